"""After fork: a child works on one thread, works on two when told to, and never hangs."""

import pytest

WORK = """
import os, signal, sys, tallow
import tallow.nn as nn

def work():
    # Long enough to be cut into pieces, and a gradient, a product and a convolution.
    tallow.manual_seed(3)
    x = tallow.randn(600_000, requires_grad=True)
    (x.exp() * x).sum().backward()
    a = tallow.randn(300, 300)
    image = tallow.randn(4, 3, 32, 32)
    weight = tallow.randn(8, 3, 3, 3, requires_grad=True)
    out = nn.functional.conv2d(image, weight)
    out.sum().backward()
    return [x.grad, a @ a, out.detach(), weight.grad]

def same(a, b):
    return all(tallow.equal(p, q) for p, q in zip(a, b, strict=True))

def in_child(function):
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)  # a child that hangs dies, and the test with it
        status = 1
        try:
            status = 0 if function() else 2
        except BaseException:
            import traceback
            traceback.print_exc()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, f"the child ended with {status}"
"""


@pytest.mark.parametrize("before", [1, 2, 4])
def test_child_works_alone(run_python, before):
    run_python(
        WORK
        + f"""
tallow.set_num_threads({before})
want = work()
in_child(lambda: tallow.get_num_threads() == 1 and same(want, work()))
assert tallow.get_num_threads() == {before} and same(want, work())
"""
    )


def test_child_with_threads_of_its_own(run_python):
    run_python(
        WORK
        + """
tallow.set_num_threads(2)
want = work()

def child():
    for n in (2, 3, 1, 2):
        tallow.set_num_threads(n)
        if not same(want, work()):
            return False
    return True

for _ in range(3):
    in_child(child)
"""
    )


def test_grandchild(run_python):
    run_python(
        WORK
        + """
tallow.set_num_threads(2)
want = work()

def child():
    tallow.set_num_threads(2)
    good = same(want, work())
    def grandchild():
        alone = tallow.get_num_threads() == 1 and same(want, work())
        tallow.set_num_threads(2)
        return alone and same(want, work())
    in_child(grandchild)
    return good and same(want, work())

in_child(child)
"""
    )


def test_fork_while_other_threads_work(run_python):
    """What a thread held at the moment of the fork (memory, locks of the registry) does not stop the child."""
    run_python(
        WORK
        + """
import threading
tallow.set_num_threads(2)
stop = threading.Event()
errors = []

def work_of_thread():
    g = tallow.Generator().manual_seed(1)
    x = tallow.randn(200_000, generator=g, requires_grad=True)
    (x * x).sum().backward()
    return [x.grad]

expected = work_of_thread()

def busy():
    while not stop.is_set():
        if not same(expected, work_of_thread()):
            errors.append("another result")

threads = [threading.Thread(target=busy) for _ in range(4)]
for t in threads:
    t.start()
try:
    for _ in range(10):
        def child():
            alone = same(expected, work_of_thread())
            tallow.set_num_threads(2)
            return alone and same(expected, work_of_thread())
        in_child(child)
finally:
    stop.set()
    for t in threads:
        t.join()
assert not errors
"""
    )


def test_pool_of_processes(run_python):
    run_python(
        WORK
        + """
import multiprocessing
tallow.set_num_threads(2)
want = work()

def job(seed):
    tallow.set_num_threads(1 + seed % 2)
    return [t.tolist() for t in work()[:1]][0][:100]

with multiprocessing.get_context("fork").Pool(3) as pool:
    results = pool.map_async(job, range(6)).get(timeout=200)
assert all(r == want[0].tolist()[:100] for r in results)
""",
        timeout=400,
    )


def test_random_numbers_of_a_child_go_on_from_the_parents(run_python):
    """The generator is memory like any other: parent and child draw the same numbers next, as in torch."""
    run_python(
        WORK
        + """
tallow.manual_seed(5)
tallow.rand(3)
state = tallow.default_generator.get_state()
want = tallow.rand(4)
tallow.default_generator.set_state(state)
in_child(lambda: tallow.equal(want, tallow.rand(4)))
assert tallow.equal(want, tallow.rand(4))
"""
    )
