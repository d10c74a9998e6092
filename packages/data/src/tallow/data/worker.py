"""What a dataset can learn about the process that reads it."""

from __future__ import annotations

from typing import Any


def get_worker_info() -> Any:
    """In a worker process of a DataLoader: its id, the number of workers, its seed and dataset; else None."""
    return None
