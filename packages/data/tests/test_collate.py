"""Collation by type."""

from collections import OrderedDict, namedtuple

import pytest

import tallow
from tallow.data import collate, default_collate, default_collate_fn_map, default_convert

Point = namedtuple("Point", ["x", "y"])


def test_numbers_and_tensors():
    assert default_collate([1, 2]).dtype == tallow.int64
    assert default_collate([1.0, 2.0]).dtype == tallow.float64
    assert default_collate([True, False]).dtype == tallow.bool
    assert default_collate([tallow.zeros(2), tallow.ones(2)]).tolist() == [[0, 0], [1, 1]]


def test_structures():
    batch = default_collate([{"a": 1, "b": ("x", [1.0, 2.0])}, {"a": 2, "b": ("y", [3.0, 4.0])}])
    assert batch["a"].tolist() == [1, 2] and batch["b"][0] == ("x", "y")
    assert [column.tolist() for column in batch["b"][1]] == [[1, 3], [2, 4]]
    point = default_collate([Point(1, 2), Point(3, 4)])
    assert isinstance(point, Point) and point.y.tolist() == [2, 4]
    assert isinstance(default_collate([OrderedDict(a=1)]), OrderedDict)
    assert default_collate([b"x", b"y"]) == [b"x", b"y"]


def test_numpy():
    np = pytest.importorskip("numpy")
    assert default_collate([np.zeros(2, dtype=np.float32)] * 2).shape == (2, 2)
    assert default_collate([np.float32(1), np.float32(2)]).dtype == tallow.float32
    assert default_collate([np.int16(1), np.int16(2)]).dtype == tallow.int16
    with pytest.raises(TypeError, match="found"):
        default_collate([np.array(["text"])])
    converted = default_convert({"a": [np.ones(2), "text"], "b": (np.int64(3),)})
    assert converted["a"][0].tolist() == [1, 1] and converted["a"][1] == "text" and converted["b"][0].item() == 3


def test_sequences_keep_their_type():
    from collections import deque

    batch = default_collate([deque([1, 2]), deque([3, 4])])
    assert type(batch) is deque and [t.tolist() for t in batch] == [[1, 3], [2, 4]]


def test_errors():
    with pytest.raises(TypeError, match="batch must contain tensors, numpy arrays, numbers, dicts or lists; found"):
        default_collate([object()])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        default_collate([[1], [1, 2]])


def test_the_table_can_be_extended():
    class Image:
        def __init__(self, value):
            self.value = value

    def images(batch, *, collate_fn_map=None):
        return collate([image.value for image in batch], collate_fn_map=collate_fn_map)

    table = {**default_collate_fn_map, Image: images}
    assert collate([(Image(1), 2), (Image(3), 4)], collate_fn_map=table)[0].tolist() == [1, 3]


def test_convert_leaves_what_it_does_not_know():
    marker = object()
    t = tallow.ones(1)
    assert default_convert(marker) is marker and default_convert(t) is t and default_convert("text") == "text"
    assert default_convert(Point(1, [2])) == Point(1, [2])
