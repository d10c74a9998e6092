"""Processes that read ahead.

``channel``  messages over a socket, with file descriptors
``arena``    blocks of shared memory, recycled when their reader has let go
``parcel``   a batch as a message: a pickle, and its buffers in the arena
``launch``   starting the processes, and what they are started with
``pool``     the processes of a loader, seen from the loader
``main``     what a process runs
"""
