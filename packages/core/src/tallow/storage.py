"""The memory behind tensors, as ``torch.storage``: which tensors share it, how large it is, and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tallow
from tallow import Tensor, _core

__all__ = ["TypedStorage", "UntypedStorage"]


class UntypedStorage:
    """The bytes that a tensor and its views lie in.

    >>> import tallow
    >>> x = tallow.zeros(2, 3)
    >>> s = x.untyped_storage()
    >>> s.nbytes(), s.data_ptr() == x.data_ptr(), s.data_ptr() == x[1].untyped_storage().data_ptr()
    (24, True, True)
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()

    def data_ptr(self) -> int:
        """Where it begins."""
        offset: int = self._tensor.storage_offset() * self._tensor.element_size()
        return self._tensor.data_ptr() - offset if self.nbytes() else 0

    def nbytes(self) -> int:
        """How long it is."""
        count: int = self._tensor._storage_nbytes()
        return count

    size = __len__ = nbytes

    @property
    def device(self) -> Any:
        """Where it is."""
        return self._tensor.device

    @property
    def is_cuda(self) -> bool:
        """Whether that is a GPU."""
        return self._tensor.is_cuda

    def element_size(self) -> int:
        """Bytes of an element: one."""
        return 1

    def is_shared(self) -> bool:
        """Whether other processes can map it."""
        return self._tensor.is_shared()

    def tolist(self) -> list[int]:
        """Its bytes."""
        return list(_core._storage_bytes(self._tensor)) if self.nbytes() else []

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        return self.tolist()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr() and self.device == other.device

    def __hash__(self) -> int:
        return hash(self.data_ptr())


class TypedStorage:
    """The same memory as elements of the tensor's dtype."""

    def __init__(self, tensor: Tensor) -> None:
        self._untyped = UntypedStorage(tensor)
        self.dtype = tensor.dtype

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return self._untyped

    def data_ptr(self) -> int:
        """Where it begins."""
        return self._untyped.data_ptr()

    def nbytes(self) -> int:
        """How long it is in bytes."""
        return self._untyped.nbytes()

    def element_size(self) -> int:
        """Bytes of an element."""
        size: int = self.dtype.itemsize
        return size

    def size(self) -> int:
        """How many elements it holds."""
        return self.nbytes() // self.element_size()

    __len__ = size

    @property
    def device(self) -> Any:
        """Where it is."""
        return self._untyped.device

    def is_shared(self) -> bool:
        """Whether other processes can map it."""
        return self._untyped.is_shared()

    def tolist(self) -> list[Any]:
        """Its elements."""
        flat = tallow.as_strided(self._untyped._tensor, (self.size(),), (1,), 0)
        values: list[Any] = flat.tolist()
        return values

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        return self.tolist()[index]
