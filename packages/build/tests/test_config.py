"""The hook's configuration: what is accepted, and what a mistake is told."""

import pytest

from tallow_build.config import HookConfig


def test_defaults():
    config = HookConfig.parse({}, "mine", {})
    assert (config.source, config.package_root, config.python_free) == ("cpp", "src", True)
    assert config.variant == "release"


def test_lists_become_tuples():
    config = HookConfig.parse({"prefix-distributions": ["a", "b"], "cmake-args": ["-DX=1"]}, "mine", {})
    assert config.prefix_distributions == ("a", "b")
    assert config.cmake_args == ("-DX=1",)


def test_unknown_option_is_named_with_those_that_exist():
    said = r"mine: \[tool.hatch.build.hooks.tallow\] has no option 'python_free'.*python-free"
    with pytest.raises(ValueError, match=said):
        HookConfig.parse({"python_free": True}, "mine", {})


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("python-free", "yes", "bool"), ("source", 3, "str"), ("cmake-args", "-DX=1", "list of strings")],
)
def test_wrong_type_says_what_came_and_what_was_expected(key, value, kind):
    with pytest.raises(ValueError, match=f"{key} must be a {kind}, got {value!r}"):
        HookConfig.parse({key: value}, "mine", {})


def test_hatch_own_keys_are_not_ours_to_judge():
    HookConfig.parse({"dependencies": ["cmake"], "enable-by-default": False}, "mine", {})


def test_environment_chooses_the_build_tree():
    assert HookConfig.parse({}, "mine", {"TALLOW_DEBUG_INFO": "1"}).variant == "debug-info"
    assert HookConfig.parse({}, "mine", {"TALLOW_DEBUG_INFO": "0"}).variant == "release"
    assert HookConfig.parse({}, "mine", {"TALLOW_SANITIZE": "address,undefined"}).variant == "address-undefined"


def test_environment_values_cannot_be_set_in_the_table():
    with pytest.raises(ValueError, match="no option 'sanitize'"):
        HookConfig.parse({"sanitize": ["address"]}, "mine", {})


def test_unknown_sanitizer():
    with pytest.raises(ValueError, match="'adress' is not one of"):
        HookConfig.parse({}, "mine", {"TALLOW_SANITIZE": "adress"})
