"""The same bits for any number of threads, where many writes meet in few places."""

import numpy as np
import pytest

import tallow as T

SHAPES = [(500, 20000, 128), (3, 5000, 64), (100000, 100000, 1), (7, 50, 3), (40, 60000, 17)]  # rows, indices, width


def results(rows, count, width):
    rng = np.random.default_rng(0)
    index = T.from_numpy(rng.integers(0, rows, count))
    wide = index.reshape(-1, 1).expand(count, width)
    self = T.from_numpy(rng.standard_normal((rows, width)).astype(np.float32))
    source = T.from_numpy(rng.standard_normal((count, width)).astype(np.float32))
    yield "index_add", self.index_add(0, index, source)
    yield "index_add of columns", self.t().contiguous().index_add(1, index, source.t())
    yield "index_put", self.index_put((index,), source)
    yield "index_put accumulate", self.index_put((index,), source, accumulate=True)
    yield "scatter", self.scatter(0, wide, source)
    yield "scatter_add", self.scatter_add(0, wide, source)
    yield "scatter_reduce", self.scatter_reduce(0, wide, source, "mean")
    yield "index_copy", self.index_copy(0, index, source)
    yield "index_reduce", self.index_reduce(0, index, source, "prod")
    yield "put", self.put(index, source[:, 0].contiguous(), accumulate=True)
    yield "index_select", self.index_select(0, index)
    yield "gather", self.gather(0, wide)
    yield "mask", source[source > 0]
    yield "nonzero", (source > 0).nonzero()


@pytest.mark.parametrize("shape", SHAPES)
def test_any_number_of_threads(shape):
    before = T.get_num_threads()
    try:
        T.set_num_threads(1)
        alone = dict(results(*shape))
        for n in (2, 5):
            T.set_num_threads(n)
            for name, got in results(*shape):
                np.testing.assert_array_equal(got.numpy(), alone[name].numpy(), err_msg=f"{name} with {n} threads")
    finally:
        T.set_num_threads(before)
    reference = np.zeros(shape[0])
    rng = np.random.default_rng(0)
    index = rng.integers(0, shape[0], shape[1])
    np.add.at(reference, index, 1)
    ones = T.zeros(shape[0], dtype=T.float64).index_add(0, T.from_numpy(index), T.ones(shape[1], dtype=T.float64))
    np.testing.assert_array_equal(ones.numpy(), reference)
