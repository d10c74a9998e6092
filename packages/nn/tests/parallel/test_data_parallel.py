"""DataParallel without GPUs is the module it wraps, with names that begin with ``module.``."""

import doctest

import pytest

import tallow
from tallow import nn


def test_doctest():
    from tallow.nn.parallel import data_parallel

    result = doctest.testmod(__import__("importlib").import_module("tallow.nn.parallel.data_parallel"))
    assert result.attempted and not result.failed and callable(data_parallel)


def test_wraps():
    inner = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    net = nn.DataParallel(inner)
    x = tallow.randn(5, 3)
    assert tallow.equal(net(x), inner(x)) and list(net.state_dict()) == ["module.0.weight", "module.0.bias"]
    assert tallow.equal(nn.parallel.data_parallel(inner, x), inner(x)) and net.device_ids == []


def test_gpus_are_asked_for():
    with pytest.raises(AssertionError, match=r"device_ids=\[0, 1\] asks for GPUs"):
        nn.DataParallel(nn.Linear(1, 1), device_ids=[0, 1])
