"""Worker processes: what they read, how tensors come over, what happens when something fails."""

import gc
import multiprocessing
import os
import subprocess
import sys
import time

import pytest
from loader_children import Fails, Numbers, Pair, Squares, Who, as_it_is, note, refuse

import tallow
from tallow.data import DataLoader, Dataset, TensorDataset, get_worker_info

METHODS = ["fork", "spawn", "forkserver"]


def no_children_left(seconds=5):
    until = time.monotonic() + seconds
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.01)
    return not multiprocessing.active_children()


@pytest.mark.parametrize("method", METHODS)
def test_batches_are_those_of_this_process(method):
    expected = list(DataLoader(Squares(), batch_size=3))
    found = list(DataLoader(Squares(), batch_size=3, num_workers=2, multiprocessing_context=method))
    assert len(found) == len(expected) == 7
    for a, b in zip(found, expected, strict=True):
        assert a["text"] == b["text"] and all((a[k] == b[k]).all() for k in ("big", "small", "number"))
        assert a["big"].is_shared()
    assert no_children_left()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_large_tensors_of_the_dataset(method):
    data = TensorDataset(tallow.rand(40, 3000), tallow.arange(40))
    for x, i in DataLoader(data, batch_size=8, shuffle=True, num_workers=2, multiprocessing_context=method):
        assert (x == data.tensors[0][i]).all()


def test_what_is_held_is_not_overwritten():
    batches = list(DataLoader(Squares(40), batch_size=2, num_workers=2))
    for i, batch in enumerate(batches):
        assert (batch["big"][1] == Squares().base * (2 * i + 1)).all()
        batch["big"].zero_()
    gc.collect()
    assert not any(batch["big"].any() for batch in batches)


def test_memory_is_recycled():
    loader = DataLoader(Squares(60), batch_size=2, num_workers=1)
    places = set()
    for batch in loader:
        places.add(batch["big"].data_ptr())
        del batch
    assert len(places) < 8


def test_arrays_and_structures():
    numpy = pytest.importorskip("numpy")

    class Mixed(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return Pair(numpy.full(5000, i), "x" * 50_000), numpy.full(2, i), b"y" * i

    for i, (pair, small, text) in enumerate(DataLoader(Mixed(), batch_size=None, num_workers=1, collate_fn=as_it_is)):
        assert (pair.image == i).all() and len(pair.name) == 50_000 and (small == i).all() and text == b"y" * i
        pair.image[:] = 9
        kept = memoryview(pair.image)
        del pair
        gc.collect()
        assert kept[0] == 9


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_worker_knows_itself(method):
    tallow.manual_seed(5)
    options = {"num_workers": 2, "worker_init_fn": note, "collate_fn": as_it_is, "multiprocessing_context": method}
    loader = DataLoader(Who(), batch_size=2, **options)
    samples = sum(loader, [])
    assert [(i, who) for i, who, *_ in samples] == [(i, i // 2 % 2) for i in range(8)]
    seeds = {who: seed for _, who, _, seed, *_ in samples}
    assert seeds[1] == seeds[0] + 1 and all(n == 2 and started == [who] for _, who, n, _, _, started, _ in samples)
    assert len({draws for *_, draws, _, _ in samples}) == 8 and get_worker_info() is None
    tallow.manual_seed(5)
    assert [s[4] for s in sum(loader, [])] == [s[4] for s in samples]


def test_numpy_is_seeded_when_it_is_imported():
    program = (
        "from tallow.data import _seeding\nimport sys\n"
        "_seeding.seed_worker(7, 1)\nassert 'numpy' not in sys.modules\n"
        "import numpy\nfirst = numpy.random.rand()\n"
        "_seeding.seed_worker(7, 1)\nassert first == numpy.random.rand()\n"
        "expected = numpy.random.SeedSequence([1, 7, 0, 0]).generate_state(4)\nnumpy.random.seed(expected)\n"
        "assert first == numpy.random.rand()\nassert numpy.random.__spec__.loader is numpy.random.__loader__\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_persistent_workers():
    loader = DataLoader(Who(), 2, num_workers=2, persistent_workers=True, collate_fn=as_it_is)
    processes = [{s[-1] for batch in loader for s in batch} for _ in range(2)]
    assert processes[0] == processes[1]
    half = iter(loader)
    next(half)
    assert [s[0] for batch in loader for s in batch] == list(range(8))
    with pytest.raises(RuntimeError, match="was replaced"):
        next(half)
    del half, loader
    assert no_children_left()


def test_an_abandoned_epoch_ends_its_workers():
    loader = DataLoader(Squares(), num_workers=2)
    for _ in loader:
        break
    assert no_children_left()
    assert loader.state_dict()["batches"] == 1


def test_batches_as_they_are_ready():
    loader = DataLoader(range(50), batch_size=3, num_workers=2, in_order=False)
    assert sorted(sum((batch.tolist() for batch in loader), [])) == list(range(50))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_exception_has_the_workers_traceback(method):
    loader = DataLoader(Fails("raises"), 2, num_workers=2, multiprocessing_context=method)
    batches = iter(loader)
    assert [next(batches).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(KeyError, match=r"(?s)Caught KeyError in DataLoader worker process 0.*in raises\n.*no such"):
        next(batches)
    assert [batch.tolist() for batch in batches] == [[6, 7], [8, 9], [10, 11]]


@pytest.mark.parametrize("how", ["raises_strangely", "stops"])
def test_exceptions_that_cannot_be_raised_again(how):
    with pytest.raises(RuntimeError, match="Caught (TwoArguments|StopIteration) in DataLoader worker process 1"):
        list(DataLoader(Fails(how), num_workers=2))


@pytest.mark.parametrize(
    ("how", "message"), [("dies", "is killed by signal: Killed"), ("exits", "exited unexpectedly with exit code 3")]
)
@pytest.mark.parametrize("method", METHODS)
def test_a_dead_worker_is_reported_at_once(how, message, method):
    batches = iter(DataLoader(Fails(how), num_workers=2, multiprocessing_context=method))
    with pytest.raises(RuntimeError, match=message):
        next(batches)
        before = time.monotonic()
        list(batches)
    assert time.monotonic() - before < 2
    with pytest.raises(RuntimeError, match="the workers of this iterator have ended"):
        next(batches)
    assert no_children_left()


def test_timeout(monkeypatch):
    monkeypatch.setattr("tallow.data._workers.pool._PATIENCE", 0.1)
    before = time.monotonic()
    with pytest.raises(RuntimeError, match="timed out after 0.3 seconds"):
        list(DataLoader(Fails("sleeps"), num_workers=1, timeout=0.3))
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_that_cannot_start(method):
    loader = DataLoader([1], num_workers=1, worker_init_fn=refuse, multiprocessing_context=method)
    with pytest.raises(OSError, match="worker 0 found no disk"):
        next(iter(loader))


def test_what_cannot_be_sent():
    with pytest.raises(Exception, match="(?s)Caught .* in DataLoader worker process 0.*pickle"):
        list(DataLoader([1], num_workers=1, collate_fn=lambda batch: lambda: batch))


def test_streams_take_turns():
    loader = DataLoader(Numbers(11), batch_size=2, num_workers=2)
    assert [b.tolist() for b in loader] == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]
    loader = DataLoader(Numbers(11), batch_size=2, num_workers=2, drop_last=True, persistent_workers=True)
    assert [b.tolist() for b in loader] == [b.tolist() for b in loader] == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10]]
    assert list(DataLoader(Numbers(5), batch_size=None, num_workers=2)) == [0, 1, 2, 3, 4]


def test_streams_that_are_longer_than_they_say():
    class Liar(Numbers):
        def __len__(self):
            return 3

    loader = DataLoader(Liar(4), batch_size=None, num_workers=1)
    assert len(loader) == 3
    with pytest.warns(UserWarning, match="reported to be 3 .* but 4 samples have been fetched. Each worker reads"):
        list(loader)


def test_the_length_of_a_stream_is_counted_in_batches():
    class Liar(Numbers):
        def __len__(self):
            return 2

    loader = DataLoader(Liar(4), batch_size=2)
    assert len(loader) == 1
    with pytest.warns(UserWarning, match="reported to be 1 .* but 2 batches have been fetched"):
        list(loader)


def test_large_indices_and_large_batches_do_not_lock_up():
    class Texts(Dataset):
        def __getitems__(self, indices):
            return [str(i) for i in indices]

        def __len__(self):
            return 600_000

    loader = DataLoader(Texts(), batch_size=100_000, num_workers=2, timeout=20)
    assert [batch[0] for batch in loader] == [str(i * 100_000) for i in range(6)]


def test_workers_end_with_a_killed_trainer(tmp_path):
    program = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from loader_children import Who, as_it_is
from tallow.data import DataLoader
batches = iter(DataLoader(Who(1000), num_workers=2, collate_fn=as_it_is))
print(next(batches)[0][-1], next(batches)[0][-1], flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    until = time.monotonic() + 3
    while any(os.path.exists(f"/proc/{pid}/status") and "Z (zombie)" not in status(pid) for pid in pids):
        assert time.monotonic() < until, "workers outlive the trainer"
        time.sleep(0.01)


def status(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return file.read()
    except OSError:
        return "Z (zombie)"


def test_spawned_workers_import_the_main_module_only_for_what_is_in_it(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import os, sys
sys.path[:0] = {sys.path!r}
print("imported", flush=True)
import tallow
from tallow.data import DataLoader, Dataset

tallow.set_num_threads(2)

class Here(Dataset):
    def __getitem__(self, i):
        assert tallow.get_num_threads() == 1
        return i
    def __len__(self):
        return 2

if __name__ == "__main__":
    for data in (range(2), Here()):
        print([b.item() for b in DataLoader(data, num_workers=1, multiprocessing_context="spawn")], flush=True)
"""
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert done.stdout.split("\n") == ["imported", "[0, 1]", "imported", "[0, 1]", ""], done.stderr


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"multiprocessing_context": "thread"}, ValueError, "should specify a valid start method in"),
        ({"multiprocessing_context": 3}, TypeError, "should be a valid context object or a string"),
        ({"prefetch_factor": -1}, ValueError, "prefetch_factor option should be non-negative"),
    ],
)
def test_errors(options, kind, message):
    with pytest.raises(kind, match=message):
        DataLoader([1], num_workers=1, **options)


def test_what_shows_when_an_epoch_begins():
    with pytest.raises(AssertionError, match="prefetch_factor must be greater than 0"):
        iter(DataLoader([1], num_workers=1, prefetch_factor=0))
    with pytest.raises(AssertionError, match="requires timeout == 0, got 3"):
        iter(DataLoader([1], timeout=3))


def test_too_many_workers():
    with pytest.warns(UserWarning, match="will create 1000 worker processes in total"):
        DataLoader([1], num_workers=1000)
