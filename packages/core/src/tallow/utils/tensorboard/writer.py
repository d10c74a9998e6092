"""What a training program writes and TensorBoard shows."""

from __future__ import annotations

import datetime
import importlib
import os
import socket
from typing import Any

import tallow

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """Writes scalars, histograms, images, text, ... to a folder that TensorBoard reads.

    The work is tensorboardX's, which has all of ``add_scalar``, ``add_scalars``, ``add_histogram``, ``add_image``,
    ``add_images``, ``add_figure``, ``add_text``, ``add_audio``, ``add_video``, ``add_embedding``, ``add_mesh``,
    ``add_pr_curve`` and ``add_hparams``; or, where only tensorboard is installed, tensorboard's event files with
    scalars, histograms, images, figures and text. Tensors are accepted wherever arrays are.

    Args:
        log_dir: the folder, ``runs/<date>_<machine><comment>`` by default.
        comment: what the default folder's name ends with.
        purge_step: events of this step and later, of an earlier run in the same folder, are hidden.
        max_queue, flush_secs: events wait for this many others, or seconds, before they are written.
        filename_suffix: what the event file's name ends with.

    Raises:
        ModuleNotFoundError: neither tensorboardX nor tensorboard is installed.

    Example:
        >>> writer = SummaryWriter("runs/first")  # doctest: +SKIP
        >>> writer.add_scalar("loss", tallow.tensor(0.5), 1)  # doctest: +SKIP
        >>> writer.close()  # doctest: +SKIP
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        make = _backend()
        if not log_dir:
            now = datetime.datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        options = {"purge_step": purge_step, "max_queue": max_queue, "flush_secs": flush_secs}
        self._writer = make(self.log_dir, filename_suffix=filename_suffix, **options)

    def get_logdir(self) -> str:
        """The folder that is written to."""
        return self.log_dir

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("add_") and name not in ("flush", "close"):
            raise AttributeError(f"'SummaryWriter' object has no attribute {name!r}")
        method = getattr(self._writer, name, None)
        if method is None:
            raise AttributeError(f"SummaryWriter.{name} needs tensorboardX: pip install tensorboardX")

        def call(*args: Any, **kwargs: Any) -> Any:
            return method(*map(_plain, args), **{key: _plain(value) for key, value in kwargs.items()})

        return call

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _backend() -> Any:
    """What writes: a class of tensorboardX, or ours on the event files of tensorboard."""
    for needed, module, name in (
        ("tensorboardX", "tensorboardX", "SummaryWriter"),
        ("tensorboard", "tallow.utils.tensorboard.events", "EventWriter"),
    ):
        try:
            importlib.import_module(needed)
        except ModuleNotFoundError as error:
            if error.name != needed:
                raise
            continue
        return getattr(importlib.import_module(module), name)
    raise ModuleNotFoundError(
        "SummaryWriter needs tensorboardX or tensorboard: pip install tensorboardX", name="tensorboardX"
    )


def _plain(value: Any) -> Any:
    """Tensors as NumPy arrays, inside lists and dicts too."""
    if isinstance(value, tallow.Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype == tallow.bfloat16 else value).numpy()
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value
