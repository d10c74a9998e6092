"""The recorded graph: its nodes, and hooks on what it saves."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from tallow import Tensor
from tallow.autograd._draw import draw, draw_text
from tallow.autograd._engine import native
from tallow.autograd._hooks import RemovableHandle, check_callable, native_handle

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "draw",
    "draw_text",
    "get_gradient_edge",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class Node:
    """A node of the graph: what turns the gradients of an op's results into those of its arguments.

    Its class carries the node's name (``AddBackward0``). Two ``Node`` objects are equal if they are the same node.
    """

    def __init__(self, native_node: Any):
        self._native = native_node
        self._id: int = native.node_id(native_node)
        self.metadata: dict[Any, Any] = {}

    def name(self) -> str:
        """The name: the op's in capitals and ``Backward0``."""
        return str(native.node_name(self._native))

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that the gradients go to, one per argument, and which of their inputs."""
        nodes, numbers = native.node_next(self._native)
        return tuple((_node(n), i) for n, i in zip(nodes, numbers, strict=True))

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Calls ``fn(grad_inputs, grad_outputs)`` after the node has run; what it returns replaces ``grad_inputs``."""
        check_callable(fn)
        return native_handle(native.node_hook(self._native, fn, False))

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Calls ``fn(grad_outputs)`` before the node runs; what it returns replaces them."""
        check_callable(fn)
        return native_handle(native.node_hook(self._native, fn, True))

    def _sequence_nr(self) -> int:
        return int(native.node_sequence(self._native))

    @property
    def variable(self) -> Tensor:
        """The leaf of an ``AccumulateGrad`` node."""
        v = native.node_variable(self._native)
        if v is None:
            raise AttributeError(f"{self.name()} is not an AccumulateGrad node")
        return v

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_"):
            try:
                saved = native.node_saved(self._native, name[len("_saved_") :])
            except IndexError as error:
                raise AttributeError(str(error)) from None
            return saved[0] if len(saved) == 1 else saved
        if not name.startswith("__"):
            function = native.node_function(self._native)
            ctx = getattr(function, "ctx", None)
            if ctx is not None:
                return getattr(ctx, name)
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")

    def __call__(self, *grads: Any) -> Any:
        function = native.node_function(self._native)
        if function is None:
            raise TypeError(f"{self.name()} can only be run by backward()")
        return function(grads)

    def __hash__(self) -> int:
        return hash(self._id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other._id == self._id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {self._id:#x}>"


_lock = threading.Lock()
_classes: dict[str, type[Node]] = {}
_alive: weakref.WeakValueDictionary[int, Node] = weakref.WeakValueDictionary()


def _node(native_node: Any) -> Node | None:
    """The one Python object of a node while anybody holds it."""
    if native_node is None:
        return None
    key = native.node_id(native_node)
    known = _alive.get(key)
    if known is not None:
        return known
    name = native.node_name(native_node)
    with _lock:
        cls = _classes.get(name)
        if cls is None:
            cls = _classes[name] = type(name, (Node,), {"__module__": "tallow.autograd.graph"})
        return _alive.setdefault(key, cls(native_node))


class GradientEdge(NamedTuple):
    """Where a tensor's gradient goes: a node and which of its inputs."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge of a tensor that requires grad; for a leaf its ``AccumulateGrad`` node."""
    node, number = native.gradient_edge(tensor)
    found = _node(node)
    assert found is not None
    return GradientEdge(found, number)


# ---------------------------------------------------------------- saved tensors
class saved_tensors_hooks:
    """Inside, what is saved for backward goes through ``pack_hook`` and comes back through ``unpack_hook``.

    ``pack_hook(tensor)`` may return anything; ``unpack_hook`` gets that and returns a tensor with the same values.
    Neither may change its argument in place.

    >>> import tallow
    >>> from tallow.autograd.graph import saved_tensors_hooks
    >>> x = tallow.ones(3, requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.tolist(), tallow.tensor):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 2., 2.])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]):
        check_callable(pack_hook)
        check_callable(unpack_hook)
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def _pack(self, tensor: Tensor) -> Callable[[], Tensor]:
        version = tensor._version
        packed = self.pack_hook(tensor)
        if not tensor.is_inference() and tensor._version != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects."
            )
        unpack = self.unpack_hook

        def unpacked() -> Tensor:
            t = unpack(packed)
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"Output of saved tensor unpack_hook expected to be a Tensor but got {type(t).__name__}"
                )
            return t

        return unpacked

    def __enter__(self) -> None:
        native.push_saved_hooks(self._pack)

    def __exit__(self, *exc: object) -> None:
        native.pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keeps what is saved for backward in CPU memory, and brings it back when backward needs it."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        def pack(tensor: Tensor) -> tuple[Any, Tensor]:
            return tensor.device, tensor.to("cpu", copy=True)

        def unpack(packed: tuple[Any, Tensor]) -> Tensor:
            device, tensor = packed
            return tensor.to(device, non_blocking=pin_memory)

        super().__init__(pack, unpack)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, entering ``saved_tensors_hooks`` raises a ``RuntimeError`` with this message."""
    before = native.saved_hooks_disabled()
    native.disable_saved_hooks(error_message)
    try:
        yield
    finally:
        native.disable_saved_hooks(before)


class _Copies:
    """What :func:`allow_mutation_on_saved_tensors` gives: whether the copies that it made still count."""

    def __init__(self) -> None:
        self._current = object()

    def clear(self) -> None:
        """Backward through what was recorded so far is an error from here on."""
        self._current = object()


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_Copies]:
    """Inside, tensors that are saved for backward may be written to: backward uses what they were when they were saved.

    It costs the memory of a copy of everything that is saved.

    >>> import tallow
    >>> from tallow.autograd.graph import allow_mutation_on_saved_tensors
    >>> x = tallow.ones(2, requires_grad=True)
    >>> with allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     z = (y * y).sum()
    ...     _ = y.zero_()
    ...     z.backward()
    >>> x.grad
    tensor([2., 2.])
    """
    context = _Copies()

    def pack(tensor: Tensor) -> tuple[object, Tensor]:
        return context._current, tensor.detach().clone()

    def unpack(packed: tuple[object, Tensor]) -> Tensor:
        made_for, copy = packed
        if made_for is not context._current:
            raise RuntimeError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' context")
        return copy

    try:
        with saved_tensors_hooks(pack, unpack):
            yield context
    finally:
        context.clear()


# ---------------------------------------------------------------- hooks on several tensors
def register_multi_grad_hook(
    tensors: Sequence[Tensor],
    fn: Callable[..., None],
    *,
    mode: Literal["all", "any"] = "all",
) -> RemovableHandle:
    """Calls ``fn`` when the gradients of all these tensors are there (``mode="any"``: the first), per backward."""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = threading.Lock()
    state: dict[int, list[Any]] = {}
    edges = [get_gradient_edge(t).node for t in tensors]

    def seen(index: int, grad: Tensor) -> None:
        run = native.backward_id()
        with lock:
            if run not in state:
                state.clear()
                state[run] = [0, [None] * len(tensors), native.backward_will_run([e._native for e in edges])]
            entry = state[run]
            entry[0] += 1
            entry[1][index] = grad
            count, grads, expected = entry
        if mode == "all" and count == expected:
            fn(grads)
        elif mode == "any" and count == 1:
            fn(grad)

    handles = [t.register_hook(lambda grad, i=i: seen(i, grad)) for i, t in enumerate(tensors)]

    def remove() -> None:
        for h in handles:
            h.remove()

    return RemovableHandle(remove)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Says that a tensor was written by code that autograd cannot see."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        native.bump_version(t)
