"""Names under which programs written for torch import classes, and methods that their subclasses replace."""

import importlib
from collections import OrderedDict

import pytest

import tallow
from tallow import nn

HOMES = {
    "activation": ["MultiheadAttention", "ReLU", "Softmax"],
    "batchnorm": ["LazyBatchNorm2d", "_BatchNorm", "_NormBase"],
    "container": ["ModuleDict", "ParameterDict", "ParameterList"],
    "conv": ["LazyConv2d", "_ConvNd", "_ConvTransposeNd"],
    "dropout": ["_DropoutNd"],
    "instancenorm": ["LazyInstanceNorm1d", "_InstanceNorm"],
    "linear": ["LazyLinear", "NonDynamicallyQuantizableLinear"],
    "loss": ["TripletMarginLoss", "_Loss", "_WeightedLoss"],
    "module": ["_IncompatibleKeys", "_addindent"],
    "normalization": ["GroupNorm", "LayerNorm"],
    "pooling": ["AdaptiveAvgPool2d", "_AdaptiveAvgPoolNd", "_AvgPoolNd", "_MaxPoolNd"],
    "transformer": ["_get_activation_fn", "_get_clones"],
    "utils": ["_ntuple", "_pair", "_reverse_repeat_tuple"],
}


@pytest.mark.parametrize("home", HOMES)
def test_torchs_files(home):
    module = importlib.import_module(f"tallow.nn.modules.{home}")
    for name in HOMES[home]:
        assert callable(getattr(module, name)), name
    assert getattr(nn.modules, home) is module


def test_a_class_is_one_class():
    assert nn.modules.activation.MultiheadAttention is nn.MultiheadAttention
    assert isinstance(nn.AdaptiveAvgPool2d(1), nn.modules.pooling._AdaptiveAvgPoolNd)
    assert isinstance(nn.Dropout2d(), nn.modules.dropout._DropoutNd)


def test_common_types():
    from tallow.nn.common_types import _size_2_t

    assert _size_2_t == int | tuple[int, int]


def test_codes_of_reductions():
    assert [nn.functional._Reduction.get_enum(name) for name in ("none", "mean", "sum")] == [0, 1, 2]


def test_padding_by_dimension():
    assert nn.modules.utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)


def test_a_wrappers_prefix_is_taken_off():
    state = nn.DataParallel(nn.Sequential(nn.Linear(1, 1))).state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    bare = nn.Sequential(nn.Linear(1, 1))
    assert list(state) == list(bare.state_dict()) and state._metadata == bare.state_dict()._metadata
    bare.load_state_dict(state)
    plain = OrderedDict(b=2)
    nn.modules.utils.consume_prefix_in_state_dict_if_present(plain, "module.")
    assert plain == {"b": 2}


def test_a_convolution_with_another_weight():
    class Standardized(nn.Conv2d):
        def forward(self, input):
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return self._conv_forward(input, weight, self.bias)

    conv = Standardized(2, 3, 3, bias=False)
    assert conv(tallow.ones(1, 2, 3, 3)).abs().max() < 1e-5


def test_blocks_of_transformer_layers_are_replaced_by_subclasses():
    class Encoder(nn.TransformerEncoderLayer):
        def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
            return x * 0 + 1

        def _ff_block(self, x):
            return x * 0 + 2

    layer = Encoder(4, 2, 8, norm_first=True)
    assert layer(tallow.zeros(3, 1, 4)).flatten().tolist() == [3.0] * 12

    class Decoder(nn.TransformerDecoderLayer):
        def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
            return x * 0 + 1

        def _mha_block(self, x, mem, attn_mask, key_padding_mask, is_causal=False):
            return x * 0 + mem.mean()

        def _ff_block(self, x):
            return x * 0 + 2

    layer = Decoder(4, 2, 8, norm_first=True)
    assert layer(tallow.zeros(3, 1, 4), tallow.full((5, 1, 4), 10.0)).flatten().tolist() == [13.0] * 12
