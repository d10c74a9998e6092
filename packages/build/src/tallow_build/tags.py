"""Wheel tags."""

from __future__ import annotations

import os

from packaging.tags import Tag, sys_tags


def native_tag() -> Tag:
    """This interpreter's own tag with the plain platform: ``cp311-cp311-linux_x86_64``.

    A manylinux tag is a promise about the C library that a build on an arbitrary machine cannot make; release builds
    make it themselves with ``TALLOW_PLATFORM_TAG``.
    """
    return next(t for t in sys_tags() if "manylinux" not in t.platform and "musllinux" not in t.platform)


def wheel_tag(python_free: bool) -> str:
    tag = native_tag()
    platform = os.environ.get("TALLOW_PLATFORM_TAG", tag.platform)
    return f"py3-none-{platform}" if python_free else f"{tag.interpreter}-{tag.abi}-{platform}"
