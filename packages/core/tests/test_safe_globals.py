"""What a program lets checkpoints of torch name, and that nothing else is let in by it."""

import argparse
import enum
import io
import pathlib
import pickle
import zipfile
from dataclasses import dataclass

import pytest

import tallow
from tallow.serialization import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals


@dataclass
class Options:
    rate: float
    layers: list


class Counted:
    def __init__(self):
        raise AssertionError("an instance is made without its constructor, as pickle makes it")

    def __setstate__(self, state):
        self.count = state["count"] + 1


class Color(enum.Enum):
    RED = 1


@pytest.fixture(autouse=True)
def nothing_is_listed():
    clear_safe_globals()
    yield
    clear_safe_globals()


def checkpoint(obj, protocol=2):
    """A zip as torch writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(obj, protocol))
        archive.writestr("archive/version", "3\n")
    file.seek(0)
    return file


def counted(count):
    value = Counted.__new__(Counted)
    value.__dict__["count"] = count
    return value


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("value", "listed"),
    [
        (argparse.Namespace(lr=0.1, sizes=[1, 2]), [argparse.Namespace]),
        (Options(0.5, [1]), [Options]),
        (Color.RED, [Color]),
        (pathlib.PurePosixPath("a/b"), [pathlib.PurePosixPath]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_listed_classes_are_loaded(value, listed, protocol):
    file = checkpoint({"epoch": 3, "value": value}, protocol)
    with pytest.raises(pickle.UnpicklingError, match=r"refused to load .*add_safe_globals\(\)"):
        tallow.load(file)
    file.seek(0)
    add_safe_globals(listed)
    assert tallow.load(file) == {"epoch": 3, "value": value}


def test_state_goes_through_the_classs_own_method():
    with safe_globals([Counted]):
        assert tallow.load(checkpoint(counted(1))).count == 2
    with pytest.raises(pickle.UnpicklingError, match="refused to load"):
        tallow.load(checkpoint(counted(1)))


def test_a_name_of_its_own():
    add_safe_globals([(argparse.Namespace, "somewhere.Else")])
    assert get_safe_globals() == [(argparse.Namespace, "somewhere.Else")]
    pickled = pickle.dumps(argparse.Namespace(a=1), 2).replace(b"cargparse\nNamespace", b"csomewhere\nElse")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    file.seek(0)
    assert tallow.load(file) == argparse.Namespace(a=1)


def test_one_listed_class_lets_nothing_else_in():
    add_safe_globals([argparse.Namespace])
    for value in (Options(0.5, [1]), print, [argparse.Namespace(x=Options(0.5, []))]):
        with pytest.raises(pickle.UnpicklingError, match="refused to load"):
            tallow.load(checkpoint(value))


def test_the_list():
    add_safe_globals([Options, Options, Color])
    assert get_safe_globals() == [Options, Color]
    with safe_globals([Counted]):
        assert get_safe_globals() == [Options, Color, Counted]
    assert get_safe_globals() == [Options, Color]
    with pytest.raises(TypeError, match="expected a class, a function, or a pair"):
        add_safe_globals(["argparse.Namespace"])
    assert tallow.serialization.add_safe_globals is add_safe_globals
