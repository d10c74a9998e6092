"""Backward under the profiler, and the profiler's older place."""

import tallow
from tallow.autograd import profiler


def test_backward_is_recorded():
    x = tallow.ones(3, requires_grad=True)
    with profiler.profile() as p:
        with profiler.record_function("backward"):
            x.exp().sum().backward()
    keys = [event.key for event in p.events()]
    assert keys[0] == "backward" and {"exp", "sum"} < set(keys) and x.grad is not None
    with profiler.profile(enabled=False) as p:
        x.exp()
    assert p.events() == []
