"""``SummaryWriter`` for TensorBoard, as ``torch.utils.tensorboard``: through tensorboardX, or tensorboard."""

from __future__ import annotations

from .writer import SummaryWriter

__all__ = ["SummaryWriter"]
