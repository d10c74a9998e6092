"""Many threads at once: what each computes is what one alone computes, bit for bit."""

COMMON = """
import threading, tallow
import tallow.nn as nn
from concurrent.futures import ThreadPoolExecutor

THREADS = 64

def everywhere(work):
    # All start together, so that they do meet.
    start = threading.Barrier(THREADS)
    def one(i):
        start.wait()
        return work(i)
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))
"""


def test_forward_and_backward_of_separate_graphs(run_python):
    run_python(
        COMMON
        + """
def work(i):
    g = tallow.Generator().manual_seed(7)
    x = tallow.randn(40, 30, generator=g, requires_grad=True)
    w = tallow.randn(30, 20, generator=g, requires_grad=True)
    for _ in range(5):
        y = tallow.softmax((x @ w).tanh(), 1)
        (y * y).sum().backward()
    return y.detach(), x.grad, w.grad

want = work(0)
for got in everywhere(work):
    assert all(tallow.equal(a, b) for a, b in zip(want, got, strict=True))
"""
    )


def test_one_model_and_many_callers(run_python):
    """Threads share the parameters and ask for gradients without accumulating them."""
    run_python(
        COMMON
        + """
tallow.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10))
x, target = tallow.randn(8, 1, 8, 8), tallow.arange(8)
parameters = list(model.parameters())

def work(i):
    for _ in range(3):
        loss = nn.functional.cross_entropy(model(x), target)
        gradients = tallow.autograd.grad(loss, parameters)
    return [loss.detach(), *gradients]

want = work(0)
for got in everywhere(work):
    assert all(tallow.equal(a, b) for a, b in zip(want, got, strict=True))
"""
    )


def test_accumulation_into_one_leaf(run_python):
    """Sums of whole numbers: any order gives the same, and a lost update shows."""
    run_python(
        COMMON
        + """
leaf = tallow.zeros(1000, requires_grad=True)

def work(i):
    for _ in range(10):
        (leaf * float(i)).sum().backward()

everywhere(work)
want = 10.0 * sum(range(THREADS))
assert (leaf.grad == want).all(), leaf.grad[:5]
"""
    )


def test_one_graph_from_many_threads(run_python):
    run_python(
        COMMON
        + """
x = tallow.linspace(0, 1, 500, dtype=tallow.float64).requires_grad_()
y = x
for _ in range(50):
    y = y * 1.01 + x.sin()
total = y.sum()
want = tallow.autograd.grad(total, x, retain_graph=True)[0]
for got in everywhere(lambda i: tallow.autograd.grad(total, x, retain_graph=True)[0]):
    assert tallow.equal(want, got)
"""
    )


def test_grad_mode_belongs_to_the_thread(run_python):
    run_python(
        COMMON
        + """
x = tallow.ones(3, requires_grad=True)

def work(i):
    for _ in range(50):
        if i % 2:
            with tallow.no_grad():
                assert not (x * 2).requires_grad
        else:
            assert (x * 2).requires_grad
        assert tallow.is_grad_enabled()

everywhere(work)
"""
    )


def test_loading_and_looking_up_at_once(run_python):
    """First uses: lazy imports, libraries and look-ups of ops that 64 threads begin together."""
    run_python(
        """
import threading, tallow
from concurrent.futures import ThreadPoolExecutor
start = threading.Barrier(64)
def work(i):
    start.wait()
    x = tallow.ones(4, requires_grad=True)
    loss = tallow.nn.functional.cross_entropy((x * x)[None], tallow.tensor([1]))
    loss.backward()
    return x.grad.sum().item(), type(tallow.optim.SGD([x], lr=0.1)).__name__
with ThreadPoolExecutor(64) as pool:
    assert len(set(pool.map(work, range(64)))) == 1
"""
    )


def test_errors_stay_in_their_thread(run_python):
    run_python(
        COMMON
        + """
def work(i):
    for _ in range(20):
        try:
            tallow.ones(2, i + 3) @ tallow.ones(2, i + 3)
            raise AssertionError("shapes that do not fit went through")
        except RuntimeError as e:
            assert f"2x{i + 3}" in str(e), e

everywhere(work)
"""
    )
