"""The gradients of convolutions as functions, for those who write a backward of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tallow import Tensor, ops

from .functional._per_dimension import SHAPES, named

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]

_ops = ops.nn
_Ints = int | tuple[int, ...] | list[int]

_INPUT_DOC = """The gradient of :func:`tallow.nn.functional.conv{dims}d` with respect to its input.

    Args:
        input_size: the shape of the input, {shapes}, with a batch.
        weight: what the convolution was called with, as `stride`, `padding`, `dilation` and `groups`.
        grad_output: the gradient of its result.

    Raises:
        RuntimeError: for shapes that do not fit.

    >>> import tallow
    >>> from tallow import nn
    >>> weight, grad_output = tallow.ones(2, 1, {kernel}), tallow.ones(1, 2, {result})
    >>> tuple(nn.grad.conv{dims}d_input((1, 1, {size}), weight, grad_output).shape)
    (1, 1, {size})
    """
_WEIGHT_DOC = """The gradient of :func:`tallow.nn.functional.conv{dims}d` with respect to its weight.

    Args:
        input: what the convolution was called with, {shapes}, with a batch;
            `stride`, `padding`, `dilation` and `groups` too.
        weight_size: the shape of the weight.
        grad_output: the gradient of its result.

    Raises:
        RuntimeError: for shapes that do not fit.

    >>> import tallow
    >>> from tallow import nn
    >>> input, grad_output = tallow.ones(1, 1, {size}), tallow.ones(1, 2, {result})
    >>> tuple(nn.grad.conv{dims}d_weight(input, (2, 1, {kernel}), grad_output).shape)
    (2, 1, {kernel})
    """


def _each(value: _Ints, dims: int) -> list[int]:
    return [value] * dims if isinstance(value, int) else list(value)


def _documented(doc: str, dims: int) -> str:
    size, kernel, result = (", ".join([n] * dims) for n in ("5", "3", "3"))
    return doc.format(dims=dims, shapes=SHAPES[dims], size=size, kernel=kernel, result=result)


def _of_input(dims: int) -> Callable[..., Tensor]:
    def gradient(
        input_size: Sequence[int],
        weight: Tensor,
        grad_output: Tensor,
        stride: _Ints = 1,
        padding: _Ints = 0,
        dilation: _Ints = 1,
        groups: int = 1,
    ) -> Tensor:
        steps = (_each(stride, dims), _each(padding, dims), _each(dilation, dims))
        return _ops.convolution_input_grad(grad_output, weight, list(input_size), *steps, groups)

    return named(gradient, f"conv{dims}d_input", _documented(_INPUT_DOC, dims))


def _of_weight(dims: int) -> Callable[..., Tensor]:
    def gradient(
        input: Tensor,
        weight_size: Sequence[int],
        grad_output: Tensor,
        stride: _Ints = 1,
        padding: _Ints = 0,
        dilation: _Ints = 1,
        groups: int = 1,
    ) -> Tensor:
        steps = (_each(stride, dims), _each(padding, dims), _each(dilation, dims))
        return _ops.convolution_weight_grad(grad_output, input, list(weight_size), *steps, groups)

    return named(gradient, f"conv{dims}d_weight", _documented(_WEIGHT_DOC, dims))


conv1d_input, conv1d_weight = _of_input(1), _of_weight(1)
conv2d_input, conv2d_weight = _of_input(2), _of_weight(2)
conv3d_input, conv3d_weight = _of_input(3), _of_weight(3)
