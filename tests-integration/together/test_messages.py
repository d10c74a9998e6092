"""What a user without a package reads, and what crosses from one package to another."""

import pytest

PACKAGES = {"nn": "tallow-nn", "optim": "tallow-optim", "data": "tallow-data", "autograd": "tallow-autograd"}


@pytest.mark.parametrize("name, package", PACKAGES.items())
def test_touching_a_package_that_is_not_installed(core_alone, run_python, name, package):
    shown = run_python(
        f"""
        import tallow
        try:
            tallow.{name}
        except AttributeError as e:
            print(e)
        try:
            import tallow.{name}
        except ModuleNotFoundError as e:
            print(e.name)
        """,
        path=[core_alone],
        isolated=True,
    )
    assert shown.splitlines() == [f"tallow.{name} is not installed: pip install {package}", f"tallow.{name}"]


def test_core_alone_has_tensors(core_alone, run_python):
    """And loads neither NumPy nor a sibling."""
    shown = run_python(
        """
        import sys, tallow
        a = tallow.arange(6.0).reshape(2, 3)
        print((a @ a.T).tolist())
        print([m for m in sys.modules if m == "numpy" or m.startswith(("tallow.nn", "tallow.autograd"))])
        with tallow.no_grad():
            print(a.sum().item(), a.requires_grad)
        """,
        path=[core_alone],
        isolated=True,
    )
    assert shown.splitlines() == ["[[5.0, 14.0], [14.0, 50.0]]", "[]", "15.0 False"]


def test_import_of_all_loads_nothing_but_core(run_python):
    shown = run_python(
        """
        import sys, tallow
        print(sorted(m for m in sys.modules if m.split(".")[0] == "numpy" or m in
              ("tallow.nn", "tallow.optim", "tallow.data", "tallow.autograd")))
        tallow.nn, tallow.optim, tallow.data, tallow.autograd
        """
    )
    assert shown.strip() == "[]"


@pytest.mark.parametrize(
    "call, error, parts",
    [
        ("nn.Linear(4, 2)(tallow.ones(3, 5))", "RuntimeError", ["cannot be multiplied", "[3, 5]", "[2, 4]"]),
        ("nn.functional.cross_entropy(tallow.zeros(2, 3), tallow.tensor([0, 7]))", "IndexError", ["7"]),
        ("nn.Conv2d(3, 4, 3)(tallow.zeros(1, 2, 8, 8))", "RuntimeError", ["3 channels", "2 channels"]),
        ("optim.SGD([tallow.ones(2) * tallow.ones(2, requires_grad=True)], lr=0.1)", "ValueError", ["leaf"]),
        ("optim.SGD([], lr=0.1)", "ValueError", ["empty parameter list"]),
        ("optim.AdamW(nn.Linear(1, 1).parameters(), lr=-1)", "ValueError", ["Invalid learning rate", "-1"]),
        ("nn.Linear(2, 2).load_state_dict({'weight': tallow.ones(2, 2)})", "RuntimeError", ["Missing key", "bias"]),
        ("nn.Linear(2, 2).load_state_dict(nn.Linear(3, 2).state_dict())", "RuntimeError", ["size mismatch", "weight"]),
        ("nn.Linear(2, 2)(tallow.ones(1, 2)).backward()", "RuntimeError", ["scalar outputs"]),
    ],
)
def test_errors_across_packages(run_python, call, error, parts):
    shown = run_python(
        f"""
        import tallow
        import tallow.nn as nn, tallow.optim as optim
        try:
            {call}
        except Exception as e:
            print(type(e).__name__, e)
        """
    )
    assert shown.startswith(error), shown
    for part in parts:
        assert part in shown


def test_a_stale_saved_tensor(run_python):
    shown = run_python(
        """
        import tallow, tallow.nn as nn
        layer = nn.Linear(3, 2)
        x = tallow.randn(4, 3, requires_grad=True)
        loss = layer(x).exp().sum()
        with tallow.no_grad():
            layer.weight.mul_(2)
        try:
            loss.backward()
        except RuntimeError as e:
            print(e)
        """
    )
    assert "modified by an inplace operation" in shown and "version" in shown
