"""Every optimizer makes torch's steps, and goes on from the state that torch's saved; torch goes on from ours."""

import numpy as np
import pytest

import tallow

torch = pytest.importorskip("torch")

CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"maximize": True}),
    ("Adamax", {"weight_decay": 0.1}),
    ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Rprop", {}),
    ("ASGD", {"t0": 2, "weight_decay": 0.1}),
    ("Adafactor", {"weight_decay": 0.1}),
    ("Muon", {}),
    ("LBFGS", {"max_iter": 4, "history_size": 3}),
    ("LBFGS", {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
]
SHAPES = [(6, 4), (4, 5)]


class Run:
    """An optimizer of one library on parameters of fixed starting values, and its steps on fixed gradients."""

    def __init__(self, lib, name, options, values):
        self.lib = lib
        self.params = [lib.tensor(v).requires_grad_() for v in values]
        self.optimizer = getattr(lib.optim, name)(self.params, lr=0.05, **options)

    def values(self):
        return [p.detach().numpy().copy() for p in self.params]

    def steps(self, first, last):
        for t in range(first, last):
            random = np.random.default_rng(0 if isinstance(self.optimizer, self.lib.optim.LBFGS) else t)
            targets = [self.lib.tensor(random.normal(size=shape)) for shape in SHAPES]

            def closure(targets=targets):
                self.optimizer.zero_grad()
                loss = sum(((p - x) ** 4).sum() for p, x in zip(self.params, targets, strict=True))
                loss.backward()
                return loss

            self.optimizer.step(closure)
        return self.values()


def moved(value, lib):
    """A state dict with its tensors in another library."""
    if isinstance(value, dict):
        return {key: moved(held, lib) for key, held in value.items()}
    if isinstance(value, list):
        return [moved(held, lib) for held in value]
    return lib.tensor(value.numpy()) if isinstance(value, (torch.Tensor, tallow.Tensor)) else value


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_steps_and_states(name, options):
    # What is kept in bfloat16 or float32 on the way is as near as that allows.
    tolerance = {"Muon": 2e-3, "ASGD": 1e-6, "NAdam": 1e-6}.get(name, 1e-9)
    start = [np.random.default_rng(7).normal(size=shape) for shape in SHAPES]
    theirs, ours = (Run(lib, name, options, start) for lib in (torch, tallow))
    for a, b in zip(theirs.steps(1, 5), ours.steps(1, 5), strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
    state, their_state = ours.optimizer.state_dict(), theirs.optimizer.state_dict()
    names, their_names = ({i: set(held) for i, held in s["state"].items()} for s in (state, their_state))
    assert names == their_names
    assert set(state["param_groups"][0]) == set(their_state["param_groups"][0])
    for lib, saved in ((tallow, their_state), (torch, state)):
        resumed = Run(lib, name, options, theirs.values() if lib is tallow else ours.values())
        resumed.optimizer.load_state_dict(moved(saved, lib))
        whole = Run(torch, name, options, start)
        for a, b in zip(whole.steps(1, 9), resumed.steps(5, 9), strict=True):
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
