"""Sparse tensors for the tests of this folder."""

from __future__ import annotations

import multiprocessing
import random
from typing import Any

import numpy as np

import tallow
from tallow import Tensor

I = [[0, 1, 1], [2, 0, 2]]  # noqa: E741


def small(**options: Any) -> Tensor:
    return tallow.sparse_coo_tensor(I, [3.0, 4.0, 5.0], (2, 3), **options)


def drawn(rng: random.Random, sizes: tuple[int, ...], dense: tuple[int, ...], nnz: int) -> tuple[Tensor, np.ndarray]:
    """A sparse tensor with places in any order, some twice, and the same as an array."""
    places = [[rng.randrange(n) for _ in range(nnz)] for n in sizes]
    values = np.array([rng.uniform(-1, 1) for _ in range(nnz * int(np.prod(dense)))]).reshape(nnz, *dense)
    array = np.zeros((*sizes, *dense))
    np.add.at(array, tuple(np.array(row, int) for row in places), values)
    indices = tallow.tensor(places, dtype=tallow.int64).reshape(len(sizes), nnz)
    return tallow.sparse_coo_tensor(indices, tallow.tensor(values), array.shape), array


def answer(question: multiprocessing.Queue, reply: multiprocessing.Queue) -> None:
    """What a worker does with the sparse tensor that it is sent."""
    reply.put((question.get(timeout=60) * 2).to_dense().tolist())
