"""Write a file so that at every moment its path holds either the old content or the new, whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write; on success it replaces ``path``, on any failure ``path`` is left as it was.

    A symbolic link stays a link (its target is replaced), an existing file keeps its permission bits, and a
    read-only file is refused although its folder would allow the rename.
    """
    target = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"cannot save to {os.fspath(path)!r}: parent directory {folder} does not exist")
    mode = _existing_mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"cannot save to {os.fspath(path)!r}: it is a directory")
        with open(target, "wb") as device:  # a pipe or a device cannot be replaced
            yield device
        return
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(f"cannot save to {os.fspath(path)!r}: the file is read-only")

    # Not tempfile.mkstemp: its mode 0600 would hide the umask that a newly created file must respect.
    temporary = os.path.join(folder, f".{os.path.basename(target)[:200]}.{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(temporary, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _existing_mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: str) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some network file systems refuse to sync a folder; the data itself was synced above.
        pass
    finally:
        os.close(descriptor)
