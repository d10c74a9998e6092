"""Saving and loading: ``tallow.save`` and ``tallow.load``. No pickle, and no code of a file is ever run.

Three formats are read, told apart by content: tallow's own (a zip with a manifest and safetensors inside), plain
``.safetensors``, and the zip checkpoints of ``torch.save``. The first two are written.
"""

from __future__ import annotations

import os
from typing import Any

from .errors import CorruptFileError

__all__ = ["CorruptFileError", "load", "save"]


def save(obj: Any, f: Any) -> None:
    """Save an object of tensors and plain containers to a path or a binary file object.

    ``obj`` may nest dict, OrderedDict, list, tuple, set, frozenset, int, float, complex, bool, None, str, bytes, slice,
    dtype, device, Size, Tensor and Parameter. Tensors that share memory share it again after loading, strides are
    kept, and so is the whole storage of a view (``.clone()`` a small view of a large tensor before saving it).

    A path is written atomically: until the new file is complete and on disk, the old one stays. A path that ends in
    ``.safetensors`` takes a flat dict of tensors and becomes a plain safetensors file.

    Args:
        obj: what to save.
        f: a path, or a file object with ``write``.

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
    from . import native_format, safetensors_format
    from .atomic import atomic_write
    from .zip_container import write_zip

    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise TypeError(f"save: expected f to be a path or a file object with write(), got {type(f).__name__}")
    if is_path and safetensors_format.wants_format(f):
        chunks = safetensors_format.save_chunks(obj)
        with atomic_write(f) as file:
            for chunk in chunks:
                file.write(chunk)
        return
    members = native_format.save_members(obj)
    if is_path:
        with atomic_write(f) as file:
            write_zip(file, members)
    else:
        write_zip(f, members)


def load(f: Any, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None) -> Any:
    """Load what ``tallow.save`` wrote, a plain safetensors file, or a checkpoint of ``torch.save``.

    The format is recognised by content. Every size, offset and checksum is verified before it is used, and nothing in
    the file is ever run, so ``weights_only=False`` changes nothing.

    Args:
        f: a path, or a binary file object at the first byte of the data.
        map_location: where tensors go: None (where they were), a device, a dict from saved to wanted device, or a
            function of (flat uint8 tensor over the storage, saved device) that gives the tensor to use or None.
        weights_only: accepted as torch has it.
        mmap: map the file instead of reading it (``f`` must be a path). Tensors are read when touched and may be
            changed in place without changing the file. The data's checksum is not verified then, and the file must
            not be truncated while tensors are in use.

    Raises:
        CorruptFileError: the file is truncated, damaged or inconsistent.
        pickle.UnpicklingError: a torch checkpoint holds something other than tensors and plain containers.

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
    if start.startswith(b"\x80\x02"):
        raise source.fail("this looks like a torch checkpoint older than version 1.6 or a bare pickle; not read here")
    raise source.fail("the content is neither a tallow file, nor safetensors, nor a torch checkpoint")


def _check_map_location(map_location: Any) -> None:
    import tallow

    if map_location is None or isinstance(map_location, (str, dict, tallow.device)) or callable(map_location):
        return
    raise TypeError(
        "load: expected map_location to be a device, a str, a dict, a function or None, "
        f"got {type(map_location).__name__}"
    )
