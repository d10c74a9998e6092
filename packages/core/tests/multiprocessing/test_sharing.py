"""Tensors between processes: shared memory, its lifetime, processes that fail."""

import gc
import os
import pickle
from pathlib import Path

import pytest

import tallow
import tallow.multiprocessing as mp
from tallow.multiprocessing.segment import Segment, segment_at


@pytest.fixture
def children(monkeypatch):
    """What runs in the processes, by a name that they can import it by."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "children"))
    import sharing_children

    return sharing_children


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_write_the_same_memory(children, method):
    context = mp.get_context(method)
    shared = tallow.arange(4.0).share_memory_()
    queue, reply = context.Queue(), context.Queue()
    process = context.Process(target=children.double, args=(7, shared, children.Duplex(queue, reply)))
    process.start()
    index, part = queue.get(timeout=20)
    reply.put(None)
    process.join()
    assert (index, part.tolist(), shared.tolist()) == (7, [2, 4, 6], [0, 2, 4, 6])
    part[0] = 9
    assert shared[1] == 9
    assert part.is_shared() and shared.is_shared() and not tallow.ones(2).is_shared()


def test_one_that_raises_ends_the_others(children):
    with pytest.raises(mp.ProcessRaisedException, match="(?s)Process 1 terminated.*LookupError: nothing there") as info:
        mp.spawn(children.ends, ("raise",), nprocs=2)
    assert info.value.error_index == 1


def test_one_that_is_killed_ends_the_others(children):
    with pytest.raises(mp.ProcessExitedException, match="process 1 terminated with signal SIGKILL") as info:
        mp.start_processes(children.ends, ("kill",), nprocs=2, start_method="fork")
    assert info.value.signal_name == "SIGKILL" and pickle.loads(pickle.dumps(info.value)).exit_code == -9


def test_a_segment_goes_with_its_last_tensor():
    gc.collect()  # what earlier tests left
    descriptors = len(os.listdir("/proc/self/fd"))
    t = tallow.ones(100).share_memory_()
    address, view = t.data_ptr(), t[3:]
    del t
    assert segment_at(address + 399) is not None and segment_at(address - 1) is not segment_at(address)
    assert view.sum() == 97
    del view
    gc.collect()
    assert segment_at(address) is None and len(os.listdir("/proc/self/fd")) == descriptors


def test_a_private_mapping_keeps_its_writes():
    segment = Segment.create(8)
    private = Segment.attach(segment.descriptor, 8, private=True)
    private[:2] = b"ab"
    assert segment[:2] == b"\0\0" and private[:2] == b"ab"


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("t", [tallow.arange(6).reshape(2, 3).t(), tallow.zeros(0, 2), tallow.ones((), dtype=bool)])
def test_pickles(t, protocol):
    again = pickle.loads(pickle.dumps(t, protocol))
    assert again.shape == t.shape and again.dtype == t.dtype and (again == t).all()
    again.fill_(0)


def test_buffers_beside_the_pickle_are_not_copied():
    t, buffers = tallow.arange(6), []
    data = pickle.dumps(t, 5, buffer_callback=buffers.append)
    again = pickle.loads(data, buffers=buffers)
    again[0] = 5
    assert t[0] == 5 and len(data) < 400
    assert pickle.loads(data, buffers=[bytes(b.raw()) for b in buffers]).fill_(1).sum() == 6


def test_strategies():
    mp.set_sharing_strategy(mp.get_sharing_strategy())
    with pytest.raises(AssertionError, match="invalid sharing strategy 'x'"):
        mp.set_sharing_strategy("x")


def test_non_leaves_are_refused():
    pytest.importorskip("tallow.autograd")
    t = tallow.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="non-leaf tensor which requires_grad"):
        mp.Queue()._writer.send(t)
