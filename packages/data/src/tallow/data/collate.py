"""Making a batch of a list of samples, by a table of types that users may extend."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import tallow
from tallow import Tensor

from ._rows import RecordRows, TensorRows

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

CollateFnMap = dict[Any, Callable[..., Any]]


def collate(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Any:
    """Make one of the samples in `batch`: element by element through mappings and sequences.

    Args:
        batch: samples of one structure.
        collate_fn_map: from a type, or tuple of types, to ``fn(batch, *, collate_fn_map)``. The exact type of the
            first sample is looked up first, then the types that it is an instance of, in order.

    Raises:
        TypeError: for samples of a type that nothing in the table takes.
        RuntimeError: for sequences of different lengths.

    >>> collate([(1, 2), (3, 4)], collate_fn_map={int: lambda batch, collate_fn_map: sum(batch)})
    [4, 6]
    """
    table = collate_fn_map or {}
    if type(batch) in table:  # a batch that is whole already
        return table[type(batch)](batch, collate_fn_map=collate_fn_map)
    first = batch[0]
    kind = type(first)
    if kind in table:
        return table[kind](batch, collate_fn_map=collate_fn_map)
    for types, fn in table.items():
        if isinstance(first, types):
            return fn(batch, collate_fn_map=collate_fn_map)
    if kind.__module__ == "numpy":  # by name, so that NumPy is not imported for those who do not use it
        return collate(_tensors_of_numpy(batch, first), collate_fn_map=collate_fn_map)

    def again(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuilt(first, {key: again([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*(again(column) for column in _columns(batch)))
    if isinstance(first, tuple):
        return [again(column) for column in _columns(batch)]
    if isinstance(first, Sequence):
        return _rebuilt(first, [again(column) for column in _columns(batch)])
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
    )


def _columns(batch: Any) -> Any:
    if len({len(sample) for sample in batch}) != 1:
        raise RuntimeError("each element in list of batch should be of equal size")
    return zip(*batch, strict=True)


def _rebuilt(example: Any, values: Any) -> Any:
    """`values` in a container of `example`'s type; in a plain one where that type cannot be made so."""
    kind = type(example)
    if kind in (dict, list):
        return values
    try:
        if isinstance(example, MutableMapping):
            mapping = copy.copy(example)
            mapping.update(values)
            return mapping
        if isinstance(example, MutableSequence):
            sequence: Any = copy.copy(example)
            for i, value in enumerate(values):
                sequence[i] = value
            return sequence
        return kind(values)
    except TypeError:  # range, str-keyed views, types with constructors of their own
        return values


def _tensors_of_numpy(batch: Any, first: Any) -> list[Tensor]:
    dtype = getattr(first, "dtype", None)
    if dtype is not None and dtype.kind not in "biufc":
        raise TypeError(
            f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {dtype}"
        )
    return [tallow.as_tensor(sample) for sample in batch]


def _stack(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    samples = list(batch)
    first = samples[0]
    size = len(samples) * first.numel() * first.element_size()
    if _allocate is None or size < _SMALLEST or first.device.type != "cpu" or first.requires_grad:
        return tallow.stack(samples, 0)
    dtype = first.dtype
    if any(sample.dtype != dtype for sample in samples):
        return tallow.stack(samples, 0)
    shape = (len(samples), *first.shape)
    return tallow.stack(samples, 0, out=_allocate(size).view(dtype).reshape(shape))


_SMALLEST = 1 << 14
_allocate: Callable[[int], Tensor] | None = None


def set_allocator(allocate: Callable[[int], Tensor] | None) -> None:
    """Let large batches be made in the memory that `allocate` gives, as bytes: a worker's is shared with its reader."""
    global _allocate
    _allocate = allocate


def _columns_as_they_are(batch: TensorRows, *, collate_fn_map: CollateFnMap | None = None) -> list[Tensor]:
    return list(batch.columns)


def _record_as_it_is(batch: RecordRows, *, collate_fn_map: CollateFnMap | None = None) -> dict[str, Any]:
    return batch.columns


def _float_tensor(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    return tallow.tensor(batch, dtype=tallow.float64)


def _int_tensor(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    return tallow.tensor(batch)


def _unchanged(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Any:
    return batch


default_collate_fn_map: CollateFnMap = {
    TensorRows: _columns_as_they_are,
    RecordRows: _record_as_it_is,
    Tensor: _stack,
    float: _float_tensor,
    int: _int_tensor,
    str: _unchanged,
    bytes: _unchanged,
}
"""What :func:`default_collate` does with each type. Add entries to teach it more."""


def default_collate(batch: Any) -> Any:
    """Make a batch: tensors and arrays are stacked, numbers become a tensor, strings stay as they are.

    Tuples become a list of the batches of their elements, mappings and named tuples keep their form.

    >>> default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars become tensors, through mappings and sequences; everything else stays as it is.

    >>> default_convert({"name": "a", "sizes": (1, 2)})
    {'name': 'a', 'sizes': [1, 2]}
    """
    if isinstance(data, Tensor):
        return data
    kind = type(data)
    if kind.__module__ == "numpy":
        dtype = getattr(data, "dtype", None)
        return data if dtype is None or dtype.kind not in "biufc" else tallow.as_tensor(data.__array__())
    if isinstance(data, Mapping):
        return _rebuilt(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return kind(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt(data, [default_convert(value) for value in data])
    return data
