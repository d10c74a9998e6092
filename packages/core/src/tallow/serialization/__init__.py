"""Saving and loading: ``tallow.save`` and ``tallow.load``. No code of a file is ever run.

Three formats are written and read, told apart by content: the checkpoints of ``torch.save`` (a zip with a pickle
inside), tallow's own (a zip with a manifest and safetensors inside), and plain ``.safetensors``. What torch wrote
before 1.6 is read.
"""

from __future__ import annotations

import os
from typing import Any

from .errors import CorruptFileError
from .safe_globals import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = [
    "CorruptFileError",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    *,
    format: str | None = None,
) -> None:
    """Save an object of tensors and plain containers to a path or a binary file object.

    ``obj`` may nest dict, OrderedDict, list, tuple, set, frozenset, int, float, complex, bool, None, str, bytes, slice,
    dtype, device, Size, Tensor and Parameter. Tensors that share memory share it again after loading, strides are
    kept, and so is the whole storage of a view (``.clone()`` a small view of a large tensor before saving it).

    A path is written atomically: until the new file is complete and on disk, the old one stays.

    Args:
        obj: what to save.
        f: a path, or a file object with ``write``.
        pickle_module, pickle_protocol: accepted as torch has them; nothing of Python's pickle is used.
        _use_new_zipfile_serialization: the format of torch before 1.6 is read and not written: only True is accepted.
        format: ``"torch"``, what ``torch.load(f)`` reads; ``"tallow"``, a zip with a JSON manifest and safetensors;
            ``"safetensors"``, a plain safetensors file of a flat dict of tensors. By default the name of the file
            decides: ``.pt``, ``.pth``, ``.ckpt`` and ``.bin`` are torch's, ``.safetensors`` is plain, every other name
            is Tallow's, as is a file object without a name.

    Raises:
        TypeError: ``obj`` has something that cannot be saved; the message names where.
        ValueError: a container contains itself, or is nested more than 200 deep.
        RuntimeError: the parent directory does not exist.

    Example:
        >>> import io
        >>> import tallow
        >>> file = io.BytesIO()
        >>> tallow.save({"step": 3, "weight": tallow.arange(3)}, file)
        >>> _ = file.seek(0)
        >>> tallow.load(file)
        {'step': 3, 'weight': tensor([0, 1, 2])}
        >>> tallow.save({"model": {"f": print}}, file)
        Traceback (most recent call last):
            ...
        TypeError: obj['model']['f']: cannot save type builtin_function_or_method
    """
    from .atomic import atomic_write

    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise TypeError(f"save: expected f to be a path or a file object with write(), got {type(f).__name__}")
    if not _use_new_zipfile_serialization:
        raise ValueError("save: the format of torch before 1.6 is not written: set _use_new_zipfile_serialization=True")
    write = _writer(obj, _format_of(f) if format is None else format)
    if is_path:
        with atomic_write(f) as file:
            write(file)
    else:
        write(f)


_EXTENSIONS = {".pt": "torch", ".pth": "torch", ".ckpt": "torch", ".bin": "torch", ".safetensors": "safetensors"}


def _format_of(f: Any) -> str:
    name = f if isinstance(f, (str, os.PathLike)) else getattr(f, "name", "")
    name = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ""
    return _EXTENSIONS.get(os.path.splitext(name)[1].lower(), "tallow")


def _writer(obj: Any, format: str) -> Any:
    """A function that writes ``obj`` to a file. What cannot be saved is refused here, before a file is touched."""
    from . import native_format, safetensors_format
    from .zip_container import write_zip

    if format == "safetensors":
        chunks = safetensors_format.save_chunks(obj)

        def write(file: Any) -> None:
            for chunk in chunks:
                file.write(chunk)

        return write
    if format not in ("tallow", "torch"):
        raise ValueError(f"save: expected format to be 'torch', 'tallow' or 'safetensors', got {format!r}")
    if format == "torch":
        from . import torch_writer  # which needs the standard pickle module, if only for its exception

        members = torch_writer.save_members(obj)
    else:
        members = native_format.save_members(obj)
    return lambda file: write_zip(file, members)


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load what ``tallow.save`` or ``torch.save`` wrote, or a plain safetensors file.

    The format is recognised by content: torch's zip, the stream of pickles that torch wrote before 1.6, Tallow's, and
    safetensors. Every size, offset and checksum is verified before it is used.

    Args:
        f: a path, or a binary file object at the first byte of the data.
        map_location: where tensors go: None (where they were), a device, a dict from saved to wanted device, or a
            function of (flat uint8 tensor over the storage, saved device) that gives the tensor to use or None.
        weights_only: accepted as torch has it, and always True in effect: tensors, parameters and plain containers are
            loaded, and nothing in the file is ever run, ``weights_only=False`` or not.
        mmap: map the file instead of reading it (``f`` must be a path). Tensors are read when touched and may be
            changed in place without changing the file. The data's checksum is not verified then, and the file must
            not be truncated while tensors are in use.
        pickle_module, pickle_load_args: accepted as torch has them; nothing of Python's pickle is used.

    Raises:
        CorruptFileError: the file is truncated, damaged or inconsistent.
        pickle.UnpicklingError: a torch checkpoint holds something other than tensors and plain containers, which
            :func:`add_safe_globals` does not allow.

    Example:
        >>> import os, tempfile
        >>> import tallow
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> tallow.save({"bias": tallow.zeros(2)}, path)
        >>> tallow.load(path, mmap=True)["bias"]
        tensor([0., 0.])
    """
    from .source import open_source

    _check_map_location(map_location)
    if set(pickle_load_args) - {"encoding", "fix_imports", "errors"}:
        raise TypeError(f"load: got an unexpected keyword argument {sorted(pickle_load_args)[0]!r}")
    with open_source(f, mapped=bool(mmap)) as source:
        return _load(source, map_location)


def _load(source: Any, map_location: Any) -> Any:
    from . import native_format, safetensors_format, zip_container

    if source.size == 0:
        raise source.fail("there is nothing to read: the file is empty, or the file object is at its end (seek(0)?)")
    start = source.read(0, min(source.size, 4), "the first bytes")
    if start.startswith(b"PK"):
        members = zip_container.read_zip(source)
        if native_format.MANIFEST in members:
            return native_format.load_file(source, members, map_location)
        from . import torch_format

        folder = torch_format.find_archive(members)
        if folder is not None:
            return torch_format.load_file(source, members, folder, map_location)
        raise source.fail(f"the zip has neither {native_format.MANIFEST!r} nor a torch checkpoint's 'data.pkl'")
    if safetensors_format.looks_like(source):
        return safetensors_format.load_file(source, map_location)
    if start.startswith(b"\x80"):
        from . import torch_legacy

        return torch_legacy.load_stream(source, map_location)
    if source.size > 512 and source.read(257, 5, "the first bytes") == b"ustar":
        raise RuntimeError(f"{source.name}: cannot load files saved in the legacy .tar format of torch before 0.1.10")
    raise source.fail("the content is neither a tallow file, nor safetensors, nor a torch checkpoint")


def _check_map_location(map_location: Any) -> None:
    import tallow

    if map_location is None or isinstance(map_location, (str, dict, tallow.device)) or callable(map_location):
        return
    raise TypeError(
        "load: expected map_location to be a device, a str, a dict, a function or None, "
        f"got {type(map_location).__name__}"
    )
