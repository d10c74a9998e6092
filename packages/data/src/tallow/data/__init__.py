"""Datasets, samplers and the loader that makes batches of them.

>>> import tallow
>>> from tallow.data import DataLoader, TensorDataset
>>> loader = DataLoader(TensorDataset(tallow.arange(5)), batch_size=2)
>>> [batch.tolist() for (batch,) in loader]
[[0, 1], [2, 3], [4]]
"""

import importlib as _importlib
from typing import Any as _Any

from ._packed import shared
from .collate import collate, default_collate, default_collate_fn_map, default_convert
from .dataloader import DataLoader
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .distributed import DistributedSampler
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .worker import WorkerInfo, get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "collate",
    "default_collate",
    "default_collate_fn_map",
    "default_convert",
    "get_worker_info",
    "random_split",
    "readers",
    "shared",
]


def __getattr__(name: str) -> _Any:
    if name == "readers":  # not something that a worker should have to load
        return _importlib.import_module(f"{__name__}.readers")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
