"""Datasets that workers started by "spawn" can import."""

import os
import random
import signal
import time
from collections import namedtuple

import tallow
from tallow.data import Dataset, IterableDataset, get_worker_info

Pair = namedtuple("Pair", "image name")


class Squares(Dataset):
    """Large and small tensors, numbers and text."""

    def __init__(self, n=20, size=8000):
        self.base = tallow.arange(float(size))
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return {"big": self.base * i, "small": tallow.tensor([i, i * i]), "number": i, "text": f"n{i}"}


class Who(Dataset):
    """Which worker read a sample, and what its generators draw."""

    def __init__(self, n=8):
        self.n = n
        self.started = []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        info = get_worker_info()
        assert info.dataset is self
        draws = random.random(), tallow.rand(()).item()
        return i, info.id, info.num_workers, info.seed, draws, list(self.started), os.getpid()


class Draws(Dataset):
    """What Python's, Tallow's and NumPy's generators draw while a sample is read."""

    def __len__(self):
        return 20

    def __getitem__(self, i):
        import numpy

        return i, random.random(), tallow.rand(()).item(), float(numpy.random.rand())


class Fails(Dataset):
    """Sample 5 does `how`."""

    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 12

    def __getitem__(self, i):
        if i == 5:
            getattr(self, self.how)()
        return i

    def raises(self):
        raise KeyError("no such sample")

    def raises_strangely(self):
        class TwoArguments(Exception):
            def __init__(self, a, b):
                super().__init__(a, b)

        raise TwoArguments(1, 2)

    def stops(self):
        raise StopIteration

    def dies(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def exits(self):
        os._exit(3)

    def sleeps(self):
        time.sleep(30)


class Numbers(IterableDataset):
    """`n` numbers, each worker a part, the later ones less."""

    def __init__(self, n=23, random_order=False):
        self.n = n
        self.random_order = random_order

    def numbers(self):
        info = get_worker_info()
        numbers = list(range(self.n))[info.id :: info.num_workers] if info else list(range(self.n))
        if self.random_order:
            random.shuffle(numbers)
        return numbers

    def __iter__(self):
        noisy = self.random_order and get_worker_info() is not None
        for number in self.numbers():
            yield number + (random.random() if noisy else 0)


class Resumable(Numbers):
    """The same, that knows where it is."""

    def __init__(self, n=23):
        super().__init__(n)
        self.at = 0

    def __iter__(self):
        numbers = self.numbers()
        while self.at < len(numbers):
            self.at += 1
            yield numbers[self.at - 1]
        self.at = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


def note(worker_id):
    get_worker_info().dataset.started.append(worker_id)


def refuse(worker_id):
    raise OSError(f"worker {worker_id} found no disk")


def as_it_is(batch):
    return batch


class Lists(Dataset):
    """Large containers as attributes, and deeper."""

    def __init__(self, n=20_000):
        self.names = [f"/images/{i:07d}.jpg" for i in range(n)]
        self.again = self.names
        self.labelled = [(f"é{i}", i, i / 2) for i in range(n)]
        self.parts = {"inner": Inner(n)}
        self.changing = [[i] for i in range(n)]
        self.few = [1, 2]

    def __len__(self):
        return 8

    def __getitem__(self, i):
        types = [type(x).__name__ for x in (self.names, self.again, self.labelled, self.parts["inner"].table)]
        types += [type(self.changing).__name__, type(self.few).__name__, type(self.parts["inner"].flags).__name__]
        same = self.names is self.again and isinstance(self.names, list)
        inner = self.parts["inner"]
        values = self.names[i], self.labelled[-i - 1], inner.table[f"key{i}"], inner.flags[i], self.changing[i]
        if i == 7:
            self.names.append("more")
            values = len(self.names), self.names[-1], self.again[3], type(self.names).__name__
        return types, same, values


class Inner:
    def __init__(self, n):
        self.table = {f"key{i}": -i for i in range(n)}
        self.flags = [i % 3 == 0 for i in range(n)]


class Strings(Dataset):
    """The ordinary dataset of many strings."""

    def __init__(self, n):
        self.items = [f"/data/images/{i:012d}/picture.jpg" for i in range(n)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return len(self.items[i])


class Slow(Dataset):
    """Samples of one worker take longer than those of the other."""

    def __len__(self):
        return 37

    def __getitem__(self, i):
        info = get_worker_info()
        time.sleep(0.003 if info is not None and info.id == 0 else 0)
        return i
