"""Where hatchling finds the hook: the ``hatch`` entry point named ``tallow``."""

from hatchling.plugin import hookimpl

from .hook import TallowBuildHook


@hookimpl
def hatch_register_build_hook() -> type[TallowBuildHook]:
    return TallowBuildHook
