"""Write a file so that at every moment its path holds either the old content or the new, whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO

_DESCRIPTORS = "/proc/self/fd"


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

    temporary = os.path.join(folder, f".{os.path.basename(target)[:200]}.{secrets.token_hex(6)}.tmp")
    descriptor, named = _open_temporary(folder, temporary)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.chmod(file.fileno() if os.chmod in os.supports_fd else temporary, stat.S_IMODE(mode))
            os.fsync(file.fileno())
            if not named:
                _give_name(file.fileno(), folder, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _open_temporary(folder: str, path: str) -> tuple[int, bool]:
    """A new file and whether it has the name ``path``.

    Where the system can, it has none until it is complete: of a program that is killed while it writes nothing is left.
    Not tempfile.mkstemp: its mode 0600 would hide the umask that a newly created file must respect.
    """
    flags = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if hasattr(os, "O_TMPFILE") and os.path.isdir(_DESCRIPTORS):
        try:
            return os.open(folder, flags | os.O_TMPFILE, 0o666), False
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
                raise
    return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True


def _give_name(descriptor: int, folder: str, path: str) -> None:
    """open(2) documents this way to name a file of O_TMPFILE; a folder's descriptor makes os.link call linkat."""
    here = os.open(folder, os.O_RDONLY)
    try:
        os.link(f"{_DESCRIPTORS}/{descriptor}", path, src_dir_fd=here, follow_symlinks=True)
    finally:
        os.close(here)


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
