"""Large lists and dicts without a Python object for every element.

A forked worker shares its parent's memory until one of them writes. Reading an element of a list writes: the element's
reference count. So a list of millions of strings is copied page by page into every worker that reads it. Packed, the
elements are bytes in a few buffers, which nobody writes.

``columns``     elements in buffers
``containers``  a list and a dict over columns
``replace``     finding the large containers of a dataset
"""

from .containers import PackedDict, PackedList, shared

__all__ = ["PackedDict", "PackedList", "shared"]
