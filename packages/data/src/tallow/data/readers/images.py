"""Images in folders, one folder a class. Needs Pillow."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import tallow
from tallow import Tensor

from ..dataset import Dataset
from ._optional import progress, require

__all__ = ["IMAGE_EXTENSIONS", "ImageFolder", "load_image"]

IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


def load_image(
    path: str | os.PathLike[str], mode: str = "RGB", size: tuple[int, int] | None = None, max_pixels: int = 1 << 27
) -> Tensor:
    """Read one image.

    Args:
        path: a file of any format that Pillow reads.
        mode: "L" for one channel, "RGB" for three, "RGBA" for four.
        size: ``(height, width)`` to resize to, bilinearly. Default: as it is.
        max_pixels: the largest number of pixels that is accepted.

    Returns:
        uint8 ``(C, H, W)``.

    Raises:
        ImportError: without Pillow.
        FileNotFoundError: if there is no such file.
        ValueError: if it is no image, is broken, or larger than `max_pixels`; or for another `mode`.
    """
    if mode not in _CHANNELS:
        raise ValueError(f"load_image(): mode must be one of {sorted(_CHANNELS)}, got {mode!r}")
    pillow = require("PIL.Image", "Pillow", "images", "load_image()")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pillow.DecompressionBombWarning)  # max_pixels is the limit
            image = pillow.open(path)
        with image:
            if image.width * image.height > max_pixels:
                raise ValueError(
                    f"load_image(): {path} has {image.width} x {image.height} pixels, more than max_pixels={max_pixels}"
                )
            image = image.convert(mode)
            if size is not None:
                image = image.resize((size[1], size[0]), pillow.Resampling.BILINEAR)
            width, height = image.size
            data = bytearray(image.tobytes())
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, pillow.DecompressionBombError) as error:  # SyntaxError: Pillow's for broken PNG
        raise ValueError(f"load_image(): {path} is no image that can be read: {error}") from error
    flat = tallow.frombuffer(data, dtype=tallow.uint8)
    return flat.reshape(height, width, _CHANNELS[mode]).permute(2, 0, 1).contiguous()


class ImageFolder(Dataset[tuple[Any, int]]):
    """Images in a folder for each class: ``root/cat/1.png``, ``root/dog/more/2.png``.

    Args:
        root: the folder. The folders in it, sorted, are the classes, and what is in them to any depth their images.
        transform: applied to what `loader` returns. Default: none.
        target_transform: applied to the number of the class.
        loader: reads a file. Default: :func:`load_image`, a uint8 tensor ``(3, H, W)``.
        is_valid_file: which files are images. Default: those that end in one of `IMAGE_EXTENSIONS`.
        allow_empty: accept classes without an image.
        progress: a bar while the folder is read. Default: if it takes long, on a terminal.

    A sample is ``(image, class number)``. `classes` are the names, `class_to_idx` their numbers, `samples` the pairs of
    path and number; workers share these however many there are.

    Raises:
        ImportError: without Pillow, unless there is a `loader`.
        FileNotFoundError: if `root` has no folder, or a class no image.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        loader: Callable[[str], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
        *,
        progress: bool | None = None,
    ) -> None:
        if loader is None:
            require("PIL.Image", "Pillow", "images", "ImageFolder")
            loader = load_image
        self.root = os.fspath(root)
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader
        self.classes = sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())
        if not self.classes:
            raise FileNotFoundError(f"ImageFolder: couldn't find any class folder in {self.root}")
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self.samples = list(_samples(self.root, self.classes, is_valid_file or _has_extension, progress))
        self.targets = [number for _, number in self.samples]
        found = set(self.targets)
        missing = [name for name, number in self.class_to_idx.items() if number not in found]
        if missing and not allow_empty:
            raise FileNotFoundError(
                f"ImageFolder: found no valid file for the classes {', '.join(missing)} in {self.root}. "
                f"Extensions that are looked for: {', '.join(IMAGE_EXTENSIONS)}"
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        image = self.loader(path)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)


def _has_extension(path: str) -> bool:
    return path.lower().endswith(IMAGE_EXTENSIONS)


def _samples(
    root: str, classes: list[str], is_valid: Callable[[str], bool], show: bool | None
) -> Iterator[tuple[str, int]]:
    for number, name in progress(list(enumerate(classes)), f"Reading {root}", show):
        for folder, below, files in os.walk(os.path.join(root, name), followlinks=True):
            below.sort()
            for file in sorted(files):
                path = os.path.join(folder, file)
                if is_valid(path):
                    yield path, number
