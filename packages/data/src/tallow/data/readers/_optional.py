"""What readers need that not everyone installs: said in one sentence where it is missing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def require(module: str, package: str, extra: str, feature: str) -> Any:
    """Import `module` of `package`.

    Raises:
        ImportError: naming `feature`, and the extra of tallow-data to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{feature} needs {package}, which cannot be imported ({error}): pip install 'tallow-data[{extra}]'"
        ) from error


def progress(items: Iterable[T], what: str, show: bool | None, total: int | None = None) -> Iterable[T]:
    """`items`, with a bar on standard error while they take more than a second.

    Args:
        what: what the bar says.
        show: None: where standard error is a terminal and tqdm is installed. True: always; without tqdm an error.
        total: how many there are, if `items` does not know.

    Raises:
        ImportError: if `show` is True and there is no tqdm.
    """
    if show is None and not sys.stderr.isatty():
        return items
    if show is False:
        return items
    try:
        tqdm = require("tqdm", "tqdm", "progress", "A progress bar").tqdm
    except ImportError:
        if show:
            raise
        return items
    return tqdm(items, desc=what, total=total, delay=0 if show else 1, leave=False)
