"""check_abi sees each kind of break, and lets the interface grow."""

import copy
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from check_abi import additions, breaks, measure, parse

HEADER = """
#define X 1
enum { TL_A = 0, TL_B = 1, TL_COUNT = 2 };
typedef struct TlThing { uint32_t struct_size; union { int64_t i; double d; }; } TlThing;
typedef struct TlApi {
  uint32_t struct_size; /* a comment; with a semicolon */
  int32_t (*first)(TlThing* thing);
  void (*second)(void);
} TlApi;
TL_EXPORT const TlApi* tl_get_api(uint32_t target);
"""


def test_parse():
    parsed = parse(HEADER)
    assert list(parsed["structs"]["TlApi"]) == ["struct_size", "first", "second"]
    assert list(parsed["structs"]["TlThing"]) == ["struct_size", "i", "d"]
    assert parsed["enums"] == ["TL_A", "TL_B"]
    assert parsed["functions"] == {"tl_get_api": "const TlApi* tl_get_api(uint32_t target)"}


@pytest.fixture(scope="module")
def interface(tmp_path_factory):
    """Of the real header."""
    from check_abi import INCLUDE

    header = (INCLUDE / "tallow" / "abi.h").read_text()
    return measure(parse(header), tmp_path_factory.mktemp("abi"))


def test_same_is_no_break(interface):
    assert breaks(interface, interface) == [] and additions(interface, interface) == []


def test_appended_function_is_an_addition(interface):
    grown = copy.deepcopy(interface)
    table = grown["structs"]["TlApi"]
    table["fields"]["later"] = [table["size"], 8, "void (*later)(void)"]
    assert breaks(interface, grown) == []
    assert additions(interface, grown) == ["TlApi.later"]


def test_field_in_the_middle_is_a_break(interface):
    moved = copy.deepcopy(interface)
    for place in moved["structs"]["TlApi"]["fields"].values():
        place[0] += 8 if place[0] >= 64 else 0
    assert any(b.startswith("TlApi.") for b in breaks(interface, moved))


def test_new_field_in_old_padding_is_a_break(interface):
    grown = copy.deepcopy(interface)
    grown["structs"]["TlApi"]["fields"]["squeezed"] = [4, 2, "uint16_t squeezed"]
    assert any("not at the end" in b for b in breaks(interface, grown))


@pytest.mark.parametrize("kind", ["enums", "functions"])
def test_changed_or_gone_names_are_breaks(interface, kind):
    changed = copy.deepcopy(interface)
    name = sorted(changed[kind])[0]
    changed[kind][name] = "other"
    assert any(b.startswith(f"{name} was") for b in breaks(interface, changed))
    del changed[kind][name]
    assert any(b.endswith("is gone") for b in breaks(interface, changed))


def test_struct_that_is_gone(interface):
    without = copy.deepcopy(interface)
    del without["structs"]["TlApi"]
    assert breaks(interface, without) == ["struct TlApi is gone"]
