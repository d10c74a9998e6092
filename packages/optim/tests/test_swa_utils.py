"""Averages of weights and the schedule that goes with them."""

import math

import pytest

import tallow
from tallow.optim import SGD, swa_utils
from weights import weight


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "complex64", "int64"])
def test_means_and_moving_averages(dtype):
    dtype = getattr(tallow, dtype)
    values = [tallow.tensor([8.0, -4.0]).to(dtype), tallow.tensor([[16.0]]).to(dtype)]
    means = [tallow.zeros_like(v) for v in values]
    swa_utils.get_swa_multi_avg_fn()(means, values, tallow.tensor(3))
    assert [m.tolist() for m in means] == [v.tolist() for v in (values[0] / 4, values[1] / 4)]
    swa_utils.get_ema_multi_avg_fn(0.5)(means, values, 1)
    assert means[1].tolist() == [[10.0]]


def test_functions_of_one_tensor():
    average, value = tallow.tensor([2.0]), tallow.tensor([6.0])
    assert swa_utils.get_swa_avg_fn()(average, value, 1).tolist() == [4.0]
    assert swa_utils.get_ema_avg_fn(0.75)(average, value, 1).tolist() == [3.0]
    assert average.tolist() == [2.0]
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match="Invalid decay value 1.5 provided"):
            make(1.5)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_rates_go_to_the_last_one(strategy):
    opt = SGD([{"params": weight([1.0])}, {"params": weight([1.0]), "lr": 0.2}], lr=1.0)
    schedule = swa_utils.SWALR(opt, [0.5, 0.1], anneal_epochs=4, anneal_strategy=strategy)
    for t in range(1, 7):
        opt.step()
        schedule.step()
        part = min(1.0, t / 4)
        part = part if strategy == "linear" else (1 - math.cos(math.pi * part)) / 2
        assert schedule.get_last_lr() == pytest.approx([1.0 - 0.5 * part, 0.2 - 0.1 * part])


def test_wrong_options():
    opt = SGD([weight([1.0])], lr=1.0)
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear', instead got exp"):
        swa_utils.SWALR(opt, 0.1, anneal_strategy="exp")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0, got -1"):
        swa_utils.SWALR(opt, 0.1, anneal_epochs=-1)


def test_unknown_names_say_so():
    with pytest.raises(AttributeError, match="has no attribute 'Averages'"):
        swa_utils.Averages  # noqa: B018


@pytest.fixture
def nn():
    pytest.importorskip("tallow.nn")
    from tallow import nn

    return nn


def filled(nn, value):
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    with tallow.no_grad():
        for tensor in (*model.parameters(), model[1].running_mean):
            tensor.fill_(value)
    return model


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("kind", ["mean", "one by one", "moving"])
def test_averaged_model(nn, kind, use_buffers):
    functions = {
        "mean": {},
        "one by one": {"avg_fn": swa_utils.get_swa_avg_fn()},
        "moving": {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)},
    }
    average = swa_utils.AveragedModel(filled(nn, 0.0), use_buffers=use_buffers, **functions[kind])
    for value in (1.0, 2.0, 6.0):
        average.update_parameters(filled(nn, value))
    expected = 3.75 if kind == "moving" else 3.0
    assert all(p.flatten()[0].item() == expected for p in average.parameters())
    assert average.module[1].running_mean.item() == (expected if use_buffers else 6.0)
    assert average.n_averaged.item() == 3 and "module.0.weight" in average.state_dict()
    assert average(tallow.ones(2, 2)).shape == (2, 1)


def test_one_function_only(nn):
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        swa_utils.AveragedModel(nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max)


def test_update_bn(nn):
    model = filled(nn, 1.0).eval()
    momentum = model[1].momentum
    batches = [tallow.randn(8, 2) for _ in range(3)]
    swa_utils.update_bn([(batch, None) for batch in batches], model)
    means = tallow.stack([model[0](batch).mean() for batch in batches])
    assert model[1].running_mean.item() == pytest.approx(means.mean().item(), rel=1e-5)
    assert not model.training and model[1].momentum == momentum
    swa_utils.update_bn([], nn.Linear(1, 1))
