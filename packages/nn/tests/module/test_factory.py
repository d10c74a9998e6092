"""Arguments for tensors, and the old base of containers."""

import pytest

import tallow
from tallow import nn


def test_factory_kwargs():
    assert nn.factory_kwargs(None) == {}
    assert nn.factory_kwargs({"dtype": tallow.float64}) == {"dtype": tallow.float64}
    with pytest.raises(TypeError, match="unexpected kwargs"):
        nn.factory_kwargs({"size": 1})
    with pytest.raises(TypeError, match="device specified twice"):
        nn.factory_kwargs({"device": "cpu", "factory_kwargs": {"device": "cpu"}})


def test_container():
    with pytest.warns(FutureWarning, match="deprecated"):
        assert list(nn.Container(a=nn.Identity())._modules) == ["a"]
