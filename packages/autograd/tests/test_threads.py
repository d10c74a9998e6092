"""Forward and backward from many threads, on graphs of their own and on shared ones."""

from __future__ import annotations

import threading
from collections.abc import Callable

import tallow


def run(n: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(n)

    def body(i: int) -> None:
        try:
            start.wait()
            work(i)
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=body, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[0]


def test_64_threads_on_one_leaf() -> None:
    w = tallow.ones(8, requires_grad=True)

    def work(i: int) -> None:
        for _ in range(20):
            ((w * w).exp().sum() * 0 + (w * 2).sum()).backward()

    run(64, work)
    assert w.grad.tolist() == [2.0 * 20 * 64] * 8


def test_64_threads_through_one_graph() -> None:
    w = tallow.ones(8, requires_grad=True)
    shared = (w * w).exp()

    def work(i: int) -> None:
        for _ in range(10):
            (shared * 0).sum().backward(retain_graph=True)
            tallow.autograd.grad((shared * 1).sum(), w, retain_graph=True)

    run(64, work)
    assert w.grad.tolist() == [0.0] * 8


def test_threads_race_for_saved_tensors() -> None:
    w = tallow.ones(8, requires_grad=True)
    for _ in range(20):
        shared = (w * w).exp().sum()
        outcomes = []

        def work(i: int, shared: tallow.Tensor = shared, outcomes: list = outcomes) -> None:
            try:
                shared.backward()
                outcomes.append(True)
            except RuntimeError as error:
                assert "second time" in str(error)
                outcomes.append(False)

        run(8, work)
        assert any(outcomes)


def test_hooks_from_threads() -> None:
    w = tallow.ones(2, requires_grad=True)
    seen: list[float] = []
    w.register_hook(lambda g: seen.append(g[0].item()))

    def work(i: int) -> None:
        for _ in range(10):
            (w * w).sum().backward()

    run(16, work)
    assert len(seen) == 160 and set(seen) == {2.0}
