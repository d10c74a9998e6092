"""Messages over a socket: frames of bytes, and file descriptors beside them."""

from __future__ import annotations

import array
import contextlib
import socket
import struct
from collections import deque

_HEAD = struct.Struct("<I")
_BLOCK = 1 << 16
_MOST_DESCRIPTORS = 16


class Channel:
    """One end. A worker's blocks; the loader's never does, so that the two cannot wait for each other to read."""

    def __init__(self, end: socket.socket, blocking: bool) -> None:
        self.socket = end
        end.setblocking(blocking)
        self.blocking = blocking
        self.descriptors: deque[int] = deque()
        self._read = bytearray()
        self._unsent = bytearray()
        self.closed = False

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, frame: bytes) -> None:
        """Send a frame; of an end that does not block, what the socket does not take is left to :meth:`flush`."""
        if self.blocking:
            self.socket.sendall(_HEAD.pack(len(frame)) + frame)
            return
        self._unsent += _HEAD.pack(len(frame))
        self._unsent += frame
        self.flush()

    def flush(self) -> bool:
        """Send what is left; whether nothing is any more."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionResetError):  # its end is found, and reported, when reading
            self._unsent.clear()
        return True

    def send_descriptor(self, fd: int, frame: bytes) -> None:
        """Send a frame with a descriptor, which comes no later than the frame."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        data = _HEAD.pack(len(frame)) + frame
        sent = self.socket.sendmsg([data], rights)
        self.socket.sendall(data[sent:])

    def receive(self) -> list[bytes] | None:
        """The frames that are there: of an end that blocks at least one. None at the end of the stream."""
        frames = self._frames()
        while not frames:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(_BLOCK, socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS))
            except BlockingIOError:
                return frames
            except ConnectionResetError:
                data, ancillary = b"", []
            for level, kind, rights in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    whole = len(rights) - len(rights) % 4
                    self.descriptors.extend(array.array("i", rights[:whole]))
            if not data:
                self.closed = True
                return None
            self._read += data
            frames = self._frames()
        return frames

    def _frames(self) -> list[bytes]:
        found = []
        start, have = 0, len(self._read)
        while have - start >= 4:
            (length,) = _HEAD.unpack_from(self._read, start)
            if have - start - 4 < length:
                break
            found.append(bytes(self._read[start + 4 : start + 4 + length]))
            start += 4 + length
        if start:
            del self._read[:start]
        return found

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other side may have closed it first
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
