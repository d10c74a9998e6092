"""Recurrent networks: layers over sequences, and single steps."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import tallow
from tallow import Tensor, ops

from .. import functional as F
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

_ops = ops.nn
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _require_type(name: str, value: Any, expected: type) -> None:
    if not isinstance(value, expected):
        raise TypeError(f"{name} should be of type {expected.__name__}, got: {type(value).__name__}")


class RNNBase(Module):
    """What :class:`RNN`, :class:`LSTM` and :class:`GRU` share: parameters by layer and direction, and a run over them.

    Parameters are ``weight_ih_l{k}``, ``weight_hh_l{k}``, ``bias_ih_l{k}``, ``bias_hh_l{k}`` and, with projections,
    ``weight_hr_l{k}``; those of the backward direction end in ``_reverse``. All start uniform in ``±1/sqrt(hidden)``.

    >>> from tallow import nn
    >>> [name for name, _ in nn.RNNBase("GRU", 2, 3, bidirectional=True, bias=False).named_parameters()]
    ['weight_ih_l0', 'weight_hh_l0', 'weight_ih_l0_reverse', 'weight_hh_l0_reverse']
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if not isinstance(dropout, numbers.Real) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout is applied after all but the last recurrent layer: it has no effect with "
                f"dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        _require_type("bias", bias, bool)
        _require_type("batch_first", batch_first, bool)
        _require_type("input_size", input_size, int)
        if input_size <= 0:
            raise ValueError("input_size must be greater than zero")
        _require_type("hidden_size", hidden_size, int)
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        directions, output_size, gates = 2 if bidirectional else 1, proj_size or hidden_size, _GATES[mode] * hidden_size
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[:directions]:
                layer_input = input_size if layer == 0 else output_size * directions
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (gates, layer_input),
                    "weight_hh": (gates, output_size),
                }
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, shape in shapes.items():
                    parameter = Parameter(tallow.empty(shape, device=device, dtype=dtype))
                    setattr(self, f"{name}_l{layer}{suffix}", parameter)
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Nothing to do here: kernels take the parameters where they lie."""

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless `input` has the dtype, dimensions and features that this module expects."""
        dtype = self.weight_ih_l0.dtype
        if input.dtype != dtype and not tallow.is_autocast_enabled(input.device.type):
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of the hidden state for this input."""
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.size(0 if self.batch_first else 1)
        return self._state_shape(batch, self.proj_size or self.hidden_size)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of the cell state for this input."""
        return self._state_shape(self.get_expected_hidden_size(input, batch_sizes)[1], self.hidden_size)

    def _state_shape(self, batch: int, size: int) -> tuple[int, int, int]:
        return self.num_layers * (2 if self.bidirectional else 1), batch, size

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise unless the state has the expected shape."""
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(tuple(expected_hidden_size), list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and state fit this module."""
        self.check_input(input, batch_sizes)
        expected = self.get_expected_hidden_size(input, batch_sizes)
        if self.mode != "LSTM":
            self.check_hidden_size(hidden, expected)
            return
        self.check_hidden_size(hidden[0], expected, "Expected hidden[0] size {}, got {}")
        cell = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], cell, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its sequences in another order."""
        return hx if permutation is None else _map_state(lambda t: t.index_select(1, permutation), hx)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        name, lstm = self._get_name(), self.mode == "LSTM"
        batch_sizes = sorted_indices = unsorted_indices = None
        packed = isinstance(input, PackedSequence)
        unbatched = False
        if packed:
            input, batch_sizes, sorted_indices, unsorted_indices = input
        else:
            if input.dim() not in (2, 3):
                raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}D instead")
            unbatched = input.dim() == 2
            if unbatched:
                input = input.unsqueeze(0 if self.batch_first else 1)
        if hx is None:
            self.check_input(input, batch_sizes)
            shapes = [self.get_expected_hidden_size(input, batch_sizes)]
            if lstm:
                shapes.append(self.get_expected_cell_size(input, batch_sizes))
            states = [tallow.zeros(s, dtype=input.dtype, device=input.device) for s in shapes]
            hx = tuple(states) if lstm else states[0]
        else:
            if not packed:
                self._check_state_dims(hx, unbatched)
            if unbatched:
                hx = _map_state(lambda t: t.unsqueeze(1), hx)
            hx = self.permute_hidden(hx, sorted_indices)
            self.check_forward_args(input, hx, batch_sizes)
        if packed:
            output, hidden = self._run(input, hx, batch_sizes.tolist())  # type: ignore[union-attr]
            result: Any = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return result, self.permute_hidden(hidden, unsorted_indices)
        if self.batch_first:
            input = input.transpose(0, 1)
        steps, batch = input.size(0), input.size(1)
        if steps == 0:
            raise RuntimeError(f"{name}: Expected sequence length to be larger than 0 in RNN")
        output, hidden = self._run(input.reshape(steps * batch, self.input_size), hx, [batch] * steps)
        output = output.view(steps, batch, output.size(1))
        if self.batch_first:
            output = output.transpose(0, 1)
        if unbatched:
            output = output.squeeze(0 if self.batch_first else 1)
            hidden = _map_state(lambda t: t.squeeze(1), hidden)
        return output, hidden

    def _check_state_dims(self, hx: Any, unbatched: bool) -> None:
        wanted, kind = (2, "unbatched 2-D") if unbatched else (3, "batched 3-D")
        if self.mode != "LSTM":
            if hx.dim() != wanted:
                raise RuntimeError(f"For {kind} input, hx should also be {wanted}-D but got {hx.dim()}-D tensor")
        elif hx[0].dim() != wanted or hx[1].dim() != wanted:
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {wanted}-D but got ({hx[0].dim()}-D, {hx[1].dim()}-D) "
                "tensors"
            )

    def _run(self, data: Tensor, hx: Any, batch_sizes: list[int]) -> tuple[Tensor, Any]:
        """All layers over the rows of all steps."""
        lstm, directions = self.mode == "LSTM", 2 if self.bidirectional else 1
        h_all, c_all = hx if lstm else (hx, None)
        last_h, last_c = [], []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                index = layer * directions + direction
                weights = {name.split("_l")[0]: getattr(self, name) for name in self._all_weights[index]}
                output, h, c = _ops.rnn_layer(
                    data,
                    h_all[index],
                    c_all[index] if c_all is not None else None,
                    weights["weight_ih"],
                    weights["weight_hh"],
                    weights.get("bias_ih"),
                    weights.get("bias_hh"),
                    weights.get("weight_hr"),
                    batch_sizes,
                    self.mode,
                    direction == 1,
                )
                outputs.append(output)
                last_h.append(h)
                last_c.append(c)
            data = outputs[0] if directions == 1 else tallow.cat(outputs, 1)
            if self.dropout and layer + 1 < self.num_layers:
                data = F.dropout(data, self.dropout, self.training)
        hidden: Any = tallow.stack(last_h)
        return data, (hidden, tallow.stack(last_c)) if lstm else hidden

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0}
        defaults["bidirectional"] = False
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


def _map_state(f: Callable[[Tensor], Tensor], hx: Any) -> Any:
    return tuple(f(t) for t in hx) if isinstance(hx, tuple | list) else f(hx)


class RNN(RNNBase):
    """Elman's network (1990): ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` at each step, or ReLU in place of tanh.

    Args:
        input_size, hidden_size: features of the input and of the state.
        num_layers: how many layers are stacked.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: input and output are ``(B, T, *)`` instead of ``(T, B, *)``; states are not affected.
        dropout: probability of dropout on the outputs of all layers but the last.
        bidirectional: also run backwards; outputs of both directions stand side by side.

    Shapes: input ``(T, B, input_size)``, ``(T, input_size)`` without a batch, or a packed sequence; the state
    ``(num_layers * directions, B, hidden_size)``; the output ``(T, B, directions * hidden_size)``.

    >>> import tallow
    >>> from tallow import nn
    >>> output, h = nn.RNN(10, 20, 2)(tallow.randn(5, 3, 10))
    >>> tuple(output.shape), tuple(h.shape)
    ((5, 3, 20), (2, 3, 20))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_" + self.nonlinearity.upper(), *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).

    At each step ``i, f, o = sigmoid(...)``, ``g = tanh(...)`` of ``W_ih x + b_ih + W_hh h + b_hh``, then
    ``c' = f * c + i * g`` and ``h' = o * tanh(c')``, times ``W_hr`` where `proj_size` is given (Sak et al., 2014).

    Args:
        proj_size: features of the projected state; 0 for none.

    The others are those of :class:`RNN`, without `nonlinearity`. The state is a pair of h,
    ``(num_layers * directions, B, proj_size or hidden_size)``, and c, ``(num_layers * directions, B, hidden_size)``.

    >>> import tallow
    >>> from tallow import nn
    >>> output, (h, c) = nn.LSTM(10, 20, 2, batch_first=True)(tallow.randn(3, 5, 10))
    >>> tuple(output.shape), tuple(h.shape), tuple(c.shape)
    ((3, 5, 20), (2, 3, 20), (2, 3, 20))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014), with the reset gate applied after the hidden product.

    At each step ``r, z = sigmoid(...)``, ``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))`` and
    ``h' = (1 - z) * n + z * h``. Arguments and shapes are those of :class:`RNN`, without `nonlinearity`.

    >>> import tallow
    >>> from tallow import nn
    >>> output, h = nn.GRU(10, 20, bidirectional=True)(tallow.randn(5, 3, 10))
    >>> tuple(output.shape), tuple(h.shape)
    ((5, 3, 40), (2, 3, 20))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share: ``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh`` and one step over them.

    >>> from tallow import nn
    >>> [name for name, _ in nn.RNNCellBase(2, 3, True, num_chunks=4).named_parameters()]
    ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        for name, shape in (("weight_ih", (rows, input_size)), ("weight_hh", (rows, hidden_size))):
            setattr(self, name, Parameter(tallow.empty(shape, device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(tallow.empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, uniform in ``±1/sqrt(hidden_size)``."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _check_dims(self, input: Tensor, states: Any) -> None:
        name = self._get_name()
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for i, state in enumerate(states or ()):
            if state.dim() not in (1, 2):
                place = f"hx[{i}]" if len(states) > 1 else "hidden"
                raise ValueError(f"{name}: Expected {place} to be 1D or 2D, got {state.dim()}D instead")

    def _step(self, mode: str, input: Tensor, states: Any) -> tuple[Tensor, ...]:
        self._check_dims(input, states)
        unbatched = input.dim() == 1
        if unbatched:
            input = input.unsqueeze(0)
        batch, lstm = input.size(0), mode == "LSTM"
        if input.size(1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {self.input_size}")
        if states is None:
            zeros = tallow.zeros((batch, self.hidden_size), dtype=input.dtype, device=input.device)
            states = (zeros, zeros) if lstm else (zeros,)
        elif unbatched:
            states = tuple(t.unsqueeze(0) for t in states)
        for i, state in enumerate(states):
            if state.dim() != 2 or state.size(0) != batch:
                raise RuntimeError(f"Input batch size {batch} doesn't match hidden{i} batch size {state.size(0)}")
            if state.size(1) != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {state.size(1)}, expected {self.hidden_size}"
                )
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None)
        result = _ops.rnn_layer(input, states[0], states[1] if lstm else None, *weights, [batch], mode, False)
        result = result[1:] if lstm else result[1:2]
        return tuple(t.squeeze(0) for t in result) if unbatched else tuple(result)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step of :class:`RNN`: input ``(B, input_size)``, state and result ``(B, hidden_size)``, or without B.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.RNNCell(10, 20)(tallow.randn(3, 10)).shape)
    (3, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._check_dims(input, None if hx is None else (hx,))
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step("RNN_" + self.nonlinearity.upper(), input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`: takes and returns the pair ``(h, c)``, each ``(B, hidden_size)``, or without B.

    >>> import tallow
    >>> from tallow import nn
    >>> h, c = nn.LSTMCell(10, 20)(tallow.randn(3, 10))
    >>> tuple(h.shape), tuple(c.shape)
    ((3, 20), (3, 20))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step("LSTM", input, hx)
        return h, c


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`: input ``(B, input_size)``, state and result ``(B, hidden_size)``, or without B.

    >>> import tallow
    >>> from tallow import nn
    >>> tuple(nn.GRUCell(10, 20)(tallow.randn(3, 10)).shape)
    (3, 20)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, None if hx is None else (hx,))[0]
