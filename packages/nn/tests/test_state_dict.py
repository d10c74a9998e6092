"""state_dict and load_state_dict."""

import pytest

import tallow
from tallow import nn


def test_names_and_detachment():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = net.state_dict()
    assert list(state) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
    ]  # fmt: skip
    assert not state["0.weight"].requires_grad
    assert state["0.weight"].data_ptr() == net[0].weight.data_ptr()
    assert net.state_dict(keep_vars=True)["0.weight"] is net[0].weight
    assert state._metadata["1"]["version"] == 2
    assert list(net.state_dict(prefix="m."))[0] == "m.0.weight"


def test_round_trip():
    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    weight = b.weight
    assert str(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    assert b.weight is weight and tallow.equal(a.weight, b.weight)


def test_through_a_file(tmp_path):
    a, b = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    tallow.save(a.state_dict(), tmp_path / "state")
    b.load_state_dict(tallow.load(tmp_path / "state"))
    assert all(tallow.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    tallow.save(list(a.parameters()), tmp_path / "parameters")
    loaded = tallow.load(tmp_path / "parameters")
    assert all(type(p) is nn.Parameter and p.requires_grad for p in loaded)


def test_assign_takes_the_tensors():
    m = nn.Linear(2, 1, device="meta")
    loaded = {"weight": tallow.ones(1, 2), "bias": tallow.zeros(1)}
    m.load_state_dict(loaded, assign=True)
    assert isinstance(m.weight, nn.Parameter) and m.weight.requires_grad
    assert m.weight.data_ptr() == loaded["weight"].data_ptr()


def test_every_error_is_reported_at_once():
    net = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError) as info:
        net.load_state_dict({"0.weight": tallow.ones(3), "x": 1, "0.y": 2})
    lines = str(info.value).split("\n\t")
    assert lines[0] == "Error(s) in loading state_dict for Sequential:"
    assert lines[1] == 'Missing key(s) in state_dict: "0.bias". '
    assert lines[2] == 'Unexpected key(s) in state_dict: "x", "0.y". '
    assert lines[3].startswith("size mismatch for 0.weight: copying a param with shape")


def test_not_strict_returns_the_keys():
    net = nn.Linear(2, 2)
    keys = net.load_state_dict({"weight": tallow.ones(2, 2), "other": 3}, strict=False)
    assert keys.missing_keys == ["bias"] and keys.unexpected_keys == ["other"]
    assert net.weight.tolist() == [[1, 1], [1, 1]]


def test_wrong_values():
    with pytest.raises(RuntimeError, match="expected tallow.Tensor or Tensor-like object from checkpoint"):
        nn.Linear(1, 1, bias=False).load_state_dict({"weight": 3})
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        nn.Linear(1, 1).load_state_dict(3)


def test_extra_state():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    a, b = nn.Sequential(Counter()), nn.Sequential(Counter())
    a[0].count = 5
    state = a.state_dict()
    assert state["0._extra_state"] == {"count": 5}
    b.load_state_dict(state)
    assert b[0].count == 5
    with pytest.raises(RuntimeError, match='Missing key.*"0._extra_state"'):
        b.load_state_dict({})
    with pytest.raises(RuntimeError, match='Unexpected key.*"_extra_state"'):
        nn.Identity().load_state_dict({"_extra_state": 1})


def test_batch_norm_of_version_one_loads():
    m = nn.BatchNorm2d(2)
    state = {k: v for k, v in m.state_dict().items() if k != "num_batches_tracked"}
    m.load_state_dict(state)
    assert m.num_batches_tracked.item() == 0


def test_loading_does_not_change_the_callers_dict():
    m = nn.BatchNorm2d(2)
    state = {k: v for k, v in m.state_dict().items() if k != "num_batches_tracked"}
    m.load_state_dict(state)
    assert "num_batches_tracked" not in state
