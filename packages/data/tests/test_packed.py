"""Packed lists and dicts are those that were packed, to anyone who looks; and worker memory that does not grow."""

import bisect
import copy
import json
import multiprocessing
import os
import pickle
import random

import pytest
from loader_children import Lists, Strings, as_it_is

import tallow
from tallow.data import DataLoader, Subset, shared
from tallow.data._packed.columns import pack
from tallow.data._packed.containers import PackedDict, PackedList, pack_dict, pack_list
from tallow.data._packed.replace import Packer

LISTS = {
    "text": ["a", "", "bc", "d"],
    "wide text": ["é", "\ud800", "漢字", ""],
    "bytes": [b"x", b"", b"yz"],
    "int": [3, -1, 2**62],
    "large int": [1, 2**80],
    "float": [0.5, float("inf"), -0.0],
    "bool": [True, False],
    "mixed": [1, "a", None, 2.5, True],
    "pairs": [("a", 1), ("b", 2)],
    "nested": [("a", (1, b"c")), ("b", (2, b"d"))],
    "ragged": [(1, 2), (3,), ()],
    "empty": [],
}


def typed(values):
    return [(type(v), v) for v in values]


@pytest.mark.parametrize("values", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("protocol", [None, 2, 5])
def test_a_list_reads_as_what_it_was(values, protocol):
    packed = pack_list(list(values))
    if protocol:
        packed = pickle.loads(pickle.dumps(packed, protocol))
    assert type(packed) is PackedList and isinstance(packed, list)
    assert typed(packed) == typed(values) and len(packed) == len(values) and bool(packed) == bool(values)
    assert packed == values and values == packed and not packed != values and packed == packed.copy()
    assert repr(packed) == repr(values) and packed[::-1] == values[::-1] and typed(packed[1:]) == typed(values[1:])
    assert list(reversed(packed)) == values[::-1] and packed + [1] == [*values, 1] and [1] + packed == [1, *values]
    assert packed * 2 == values * 2 and [*packed] == values and tuple(packed) == tuple(values)
    for i, value in enumerate(values):
        assert packed[i] == packed[i - len(values)] == value and value in packed
        assert packed.index(value) == values.index(value) and packed.count(value) == values.count(value)
    for i in (len(values), -len(values) - 1):
        with pytest.raises(IndexError, match="list index out of range"):
            packed[i]
    with pytest.raises(TypeError):
        packed["a"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(packed)
    assert type(copy.deepcopy(packed)) is PackedList and copy.copy(packed) == values


def test_what_c_code_sees_of_a_list():
    numpy = pytest.importorskip("numpy")
    values = [5, 3, 8]
    packed = pack_list(values)
    assert sorted(packed) == [3, 5, 8] and max(packed) == 8 and sum(packed) == 16 and set(packed) == {3, 5, 8}
    assert json.dumps(packed) == json.dumps(values) and numpy.array(packed).tolist() == values
    assert tallow.tensor(packed).tolist() == values and list(zip(packed, packed, strict=True))[0] == (5, 5)
    assert ",".join(pack_list(["a", "b"])) == "a,b" and bisect.bisect(pack_list([1, 2, 3]), 2) == 2
    assert dict(pack_list([("a", 1)])) == {"a": 1} and (lambda *a: a)(*packed) == (5, 3, 8)
    fresh = [0]
    fresh += packed
    fresh[:0] = packed
    assert fresh == [5, 3, 8, 0, 5, 3, 8]


CHANGES = {
    "append": lambda x: x.append(1),
    "extend": lambda x: x.extend([1, 2]),
    "insert": lambda x: x.insert(1, 9),
    "remove": lambda x: x.remove(8),
    "pop": lambda x: x.pop(0),
    "clear": lambda x: x.clear(),
    "sort": lambda x: x.sort(reverse=True),
    "reverse": lambda x: x.reverse(),
    "set": lambda x: x.__setitem__(0, 7),
    "set slice": lambda x: x.__setitem__(slice(1, None), [7]),
    "delete": lambda x: x.__delitem__(1),
    "+=": lambda x: x.__iadd__([1]),
    "*=": lambda x: x.__imul__(2),
    "shuffle": lambda x: random.Random(1).shuffle(x),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_list_that_is_changed_is_an_ordinary_one(change):
    values = [5, 3, 8]
    packed = pack_list(values)
    other = copy.copy(packed)
    change(packed)
    change(values)
    assert packed == values and len(packed) == len(values) and list(packed) == values and other == [5, 3, 8]
    packed.append(4)
    assert packed[-1] == 4 and type(copy.copy(packed)) is list and type(pickle.loads(pickle.dumps(packed))) is list


def test_a_list_may_grow_while_it_is_read():
    packed, seen = pack_list([1, 2]), []
    for value in packed:
        seen.append(value)
        if len(packed) < 5:
            packed.append(value * 10)
    assert seen == [1, 2, 10, 20, 100]


@pytest.mark.parametrize("keys", [["a", "é", "b"], [1, -5, 2**40], [b"x", b""]])
@pytest.mark.parametrize("protocol", [None, 2, 5])
def test_a_dict_reads_as_what_it_was(keys, protocol):
    values = {key: i for i, key in enumerate(keys)}
    packed = pack_dict(values)
    if protocol:
        packed = pickle.loads(pickle.dumps(packed, protocol))
    assert type(packed) is PackedDict and isinstance(packed, dict) and len(packed) == len(values)
    assert packed == values and values == packed and not packed != values and repr(packed) == repr(values)
    assert (
        list(packed) == keys and list(packed.items()) == list(values.items()) and dict(packed) == {**packed} == values
    )
    assert all(packed[key] == packed.get(key) == values[key] and key in packed for key in keys)
    for missing in ("zz", 77, b"zz", None, 1.5, (1, 2)):
        assert missing not in packed and packed.get(missing, 3) == 3
        with pytest.raises(KeyError):
            packed[missing]
    with pytest.raises(TypeError, match="unhashable"):
        packed[[]]
    assert packed | {"n": 1} == values | {"n": 1} and {"n": 1} | packed == {"n": 1} | values
    packed["new"] = 1
    values["new"] = 1
    assert packed == values and packed.pop("new") == 1 and len(packed) == len(keys) and copy.copy(packed) == packed


def test_c_code_that_looks_for_an_empty_dict():
    values = {f"key{i}": [i, None] for i in range(3)}
    packed = shared(values)
    assert json.dumps({"table": packed}) == json.dumps({"table": values})
    assert json.dumps(packed, indent=1, sort_keys=True) == json.dumps(values, indent=1, sort_keys=True)
    assert dict(**packed) == {**packed} == {} | packed == values and set(packed) == set(values)
    assert "{key1}".format(**packed) == "[1, None]" and json.dumps(shared([1, 2])) == "[1, 2]"
    packed.pop("key0")
    assert dict.__len__(packed) == 2 == len(packed)


def test_keys_that_are_equal():
    packed = pack_dict({1: "a", 0: "b"})
    assert packed[1.0] == packed[True] == "a" and 0.5 not in packed
    many = {f"key{i}": i for i in range(5000)}
    assert all(pack_dict(many)[key] == value for key, value in list(many.items())[::50])


@pytest.mark.parametrize("values", [[[1]], [{"a": 1}], [1, [2]], [("a", [])], [tallow.ones(1)], [object()]])
def test_elements_that_can_change_are_not_packed(values):
    assert pack(values) is None and pack_list(values) is None and pack_dict(dict(enumerate(values))) is None


def test_subclasses_are_not_packed():
    class Name(str):
        pass

    class Dict(dict):
        def __missing__(self, key):
            return key

    class Data:
        pass

    data = Data()
    data.names, data.table = [Name("a")] * 20_000, Dict.fromkeys(range(20_000))
    assert Packer().replacements({"dataset": data}) == []


def test_shared():
    records = shared([{"a": [1]}, {"a": [2]}])
    records[0]["a"].append(5)
    assert records == [{"a": [1]}, {"a": [2]}] and shared(records) is records
    assert shared({"x": [1], "y": [2]})["y"] == [2] and shared((1, 2)) == [1, 2]
    with pytest.raises(TypeError, match="keys of a dict must be all str"):
        shared({1: 2, "a": 3})
    with pytest.raises(TypeError, match="expected a list, a tuple or a dict, got int"):
        shared(3)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_packed_containers(method):
    data = Lists()
    loader = DataLoader(Subset(data, range(8)), 4, num_workers=2, multiprocessing_context=method, collate_fn=as_it_is)
    found = sum(loader, [])
    for i, (types, same, values) in enumerate(found):
        assert types[2:] == ["PackedList", "PackedDict", "list", "list", "PackedList"] and same
        if i < 7:
            expected = f"/images/{i:07d}.jpg", (f"é{19_999 - i}", 19_999 - i, (19_999 - i) / 2), -i, i % 3 == 0, [i]
            assert values == expected and types[:2] == ["PackedList"] * 2
    assert found[7][2] == (20_001, "more", "/images/0000003.jpg", "_ThawedList")
    assert type(data.names) is list and len(data.names) == 20_000


def test_packing_is_done_once():
    data = Lists()
    packer = Packer()
    first = [r.packed for r in packer.replacements({"dataset": data})]
    assert len(first) == 5
    again = [r.packed for r in packer.replacements({"dataset": data})]
    assert all(a is b for a, b in zip(first, again, strict=True))
    data.names[5] = "changed"
    data.parts["inner"].table["key3"] = 7
    changed = [r.packed for r in packer.replacements({"dataset": data})]
    assert [a is b for a, b in zip(first, changed, strict=True)].count(False) == 3  # names is there twice
    assert any(p[5] == "changed" for p in changed if isinstance(p, PackedList))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_dataset_that_is_a_list(method):
    data = [f"name{i}" for i in range(20_000)]
    loader = DataLoader(data, 9_999, num_workers=1, multiprocessing_context=method, collate_fn=as_it_is)
    assert sum(loader, []) == data


def private_memory(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(("Private_Clean", "Private_Dirty")))


@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer keeps what is freed")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_memory_of_workers_does_not_grow(method):
    loader = DataLoader(Strings(400_000), 1000, shuffle=True, num_workers=2, multiprocessing_context=method)
    batches = iter(loader)
    for _ in range(20):
        next(batches)
    workers = [process.pid for process in multiprocessing.active_children()]
    before = [private_memory(pid) for pid in workers]
    for _ in range(370):
        next(batches)
    after = [private_memory(pid) for pid in workers]
    assert all(b - a < 1024 for a, b in zip(before, after, strict=True)), (before, after)  # KB; unpacked, 40 MB
