"""How tensors travel between processes: by the descriptor of the memory that they lie in."""

from __future__ import annotations

from multiprocessing import reduction
from typing import Any

from tallow import Tensor, _core

from .segment import Segment, segment_at

__all__ = ["install", "is_shared", "reduce_tensor", "share_memory_"]


def is_shared(self: Tensor) -> bool:
    """Whether the memory is shared between processes."""
    if self.device.type != "cpu":
        return self.device.type == "cuda"
    return self.numel() > 0 and segment_at(self.data_ptr()) is not None


def share_memory_(self: Tensor) -> Tensor:
    """Move this tensor to memory that processes share, in place.

    What is sent to another process later, by a queue, a pipe or as an argument, is then the same memory there. Views
    that were taken before keep the old memory.

    >>> import tallow
    >>> t = tallow.ones(3).share_memory_()
    >>> t.is_shared(), t.tolist()
    (True, [1.0, 1.0, 1.0])
    """
    if self.device.type != "cpu":
        return self
    if type(self) is not Tensor:
        install()
    if self.numel() and segment_at(self.data_ptr()) is None:
        self.data = _shared_copy(self.detach())
    return self


def _shared_copy(t: Tensor) -> Tensor:
    segment = Segment.create(t.numel() * t.element_size())
    shared = _core._frombuffer(segment, t.dtype, t.numel(), 0).reshape(t.shape)
    return shared.copy_(t)


def _rebuild(
    cls: type, handle: Any, size: int, dtype: Any, offset: int, shape: Any, stride: Any, grad: bool, state: Any
) -> Tensor:
    segment = Segment.attach(handle.detach(), size, close=True)
    t = _core._frombuffer(segment, dtype, -1, offset).as_strided(shape, stride)
    if cls is not Tensor:
        t = _core._make_subclass(cls, t, grad)
        t.__dict__.update(state)
    elif grad:
        t.requires_grad_()
    return t


def reduce_tensor(t: Tensor) -> Any:
    """What a :class:`multiprocessing.reduction.ForkingPickler` writes for a tensor."""
    if t.requires_grad and not t.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
            "crossing process boundaries. If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )
    if t.device.type != "cpu" or t.numel() == 0 or t.is_sparse:  # the parts of a sparse one are shared
        return t.__reduce_ex__(4)
    share_memory_(t)
    segment = segment_at(t.data_ptr())
    assert segment is not None  # share_memory_ put it there
    state = {} if type(t) is Tensor else dict(t.__dict__)
    handle = reduction.DupFd(segment.descriptor)
    offset = t.data_ptr() - segment.address
    args = (type(t), handle, len(segment), t.dtype, offset, tuple(t.shape), t.stride(), t.requires_grad, state)
    return _rebuild, args


def install() -> None:
    """Make pickles between processes share tensors, those of the subclasses that exist by now too.

    A pickler between processes finds reducers by the exact type, so this is called again before it matters.
    """
    kinds = [Tensor]
    for kind in kinds:
        reduction.ForkingPickler.register(kind, reduce_tensor)
        kinds.extend(kind.__subclasses__())
