"""Checkpoints that torch wrote (data/torch_checkpoint.pt): tensors and plain containers are read, nothing is run."""

import io
import pathlib
import pickle
import warnings
import zipfile
from collections import OrderedDict

import pytest

import tallow
from tallow.serialization import CorruptFileError

DATA = pathlib.Path(__file__).with_name("data")


@pytest.fixture(scope="module", params=[False, True], ids=["read", "mmap"])
def loaded(request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Parameters become tensors where tallow.nn is not installed
        return tallow.load(DATA / "torch_checkpoint.pt", mmap=request.param)


def test_views(loaded):
    state = loaded["state"]
    assert type(state) is OrderedDict and state._metadata == {"": {"version": 1}}
    assert state["weight"].tolist() == [[0, 1, 2], [3, 4, 5]] and state["transposed"].stride() == (1, 3)
    assert state["weight"]._storage_id() == state["transposed"]._storage_id() == loaded["row"]._storage_id()
    assert loaded["row"].tolist() == [3, 4, 5] and loaded["row"].storage_offset() == 3


def test_dtypes(loaded):
    names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float64"]
    assert [tensor.dtype for tensor in loaded["dtypes"]] == [getattr(tallow, name) for name in names]
    assert all(tensor.tolist() == [1, 0, 1] for tensor in loaded["dtypes"])
    assert loaded["complex"].tolist() == [1 + 2j, 3 - 4j] and loaded["lazy"].tolist() == [1 - 2j]
    assert loaded["uint16"].tolist() == [1, 65535]


def test_shapes(loaded):
    assert loaded["scalar"].shape == () and loaded["scalar"].item() == 2.5
    assert loaded["empty"].shape == (0, 3)
    assert loaded["meta"].device.type == "meta" and loaded["meta"].shape == (2, 3)
    assert loaded["parameter"].tolist() == [1.0, 2.0]


def test_plain(loaded):
    assert loaded["plain"] == [
        1,
        -(1 << 80),
        2.5,
        "text",
        b"\x00\xff",
        None,
        True,
        (1, (2,)),
        3j,
        {1, 2},
        frozenset([3]),
    ]
    assert loaded["torch"] == (tallow.float16, tallow.device("cpu"), tallow.Size([2, 3]))
    assert loaded[5] == "five" and loaded[(1, "a")] == "tuple"


def test_map_location():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert tallow.load(DATA / "torch_checkpoint.pt", map_location="meta")["row"].device.type == "meta"


def test_modules_are_refused():
    with pytest.raises(pickle.UnpicklingError, match=r"refused to load torch.nn.modules.activation.ReLU.*state_dict"):
        tallow.load(DATA / "torch_module.pt")


def checkpoint(pickled, storages=()):
    """A zip as torch writes it, around any pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        for name, data in dict(storages).items():
            archive.writestr(f"archive/data/{name}", data)
    file.seek(0)
    return file


def tensor_pickle(kind=b"FloatStorage", count=4, offset=0, size=(2,), stride=(1,), key=b"0"):
    def number(value):
        return b"\x8a\x08" + value.to_bytes(8, "little", signed=True)

    def tuple_of(values):
        return b"(" + b"".join(number(value) for value in values) + b"t"

    storage = b"((X\x07\0\0\0storagectorch\n" + kind + b"\nX" + len(key).to_bytes(4, "little") + key
    storage += b"X\x03\0\0\0cpu" + number(count) + b"tQ"
    arguments = storage + number(offset) + tuple_of(size) + tuple_of(stride) + b"\x89}t"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R."


def test_the_builder_of_these_tests_makes_valid_files():
    loaded = tallow.load(checkpoint(tensor_pickle(), {"0": b"\0" * 16}))
    assert loaded.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"count": 5}, "has 16 bytes, 5 elements of float32 were announced"),
        ({"count": -4}, "has 16 bytes"),
        ({"size": (5,)}, "needs 20 bytes, its storage has 16"),
        ({"offset": 3}, "needs 20 bytes"),
        ({"offset": -1}, "invalid storage offset -1"),
        ({"size": (-1,)}, "invalid entry -1"),
        ({"stride": (-1,)}, "invalid entry -1"),
        ({"stride": (2**62,)}, "its storage has 16"),
        ({"size": (2**62, 2**62), "stride": (0, 0)}, "larger than any memory"),
        ({"size": (1,) * 65, "stride": (1,) * 65}, "at most 64"),
        ({"size": (2, 2)}, "2 sizes but 1 strides"),
        ({"key": b"1"}, "no member 'archive/data/1'"),
        ({"key": b"../data.pkl"}, "no member"),
    ],
)
def test_hostile_tensors(fields, fault):
    with pytest.raises(CorruptFileError, match=fault):
        tallow.load(checkpoint(tensor_pickle(**fields), {"0": b"\0" * 16}))


def test_bool_bytes_are_checked():
    pickled = tensor_pickle(b"BoolStorage", size=(4,))
    assert tallow.load(checkpoint(pickled, {"0": b"\1\0\1\0"})).tolist() == [True, False, True, False]
    with pytest.raises(CorruptFileError, match="bytes other than 0 and 1"):
        tallow.load(checkpoint(pickled, {"0": b"\1\0\2\0"}))


class Evil:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nothing_is_run(protocol, tmp_path):
    import os

    target = tmp_path / "made"
    for evil in (Evil(os.mkdir, str(target)), Evil(eval, f"open({str(target)!r}, 'w')"), Evil(getattr, "", "x")):
        with pytest.raises(pickle.UnpicklingError, match="refused to load"):
            tallow.load(checkpoint(pickle.dumps({"a": evil}, protocol)), weights_only=False)
    assert not target.exists()


@pytest.mark.parametrize(
    ("pickled", "fault"),
    [
        (b"", "truncated"),
        (b"\x80\x02", "truncated"),
        (b"\x80\x01N.", "protocol 1"),
        (b".", "does not end with one value"),
        (b"NN.", "does not end with one value"),
        (b"(N.", "does not end with one value"),
        (b"\xff.", "opcode 0xff"),
        (b"Na.", "list on the stack"),
        (b"a.", "empty stack"),
        (b"t.", "lacks a mark"),
        (b"h\x05.", "object 5 that it does not have"),
        (b"}(Nu.", "key without a value"),
        (b"}]Ns.", "key of type list"),
        (b"\x8b\xff\xff\xff\x7f.", "truncated"),
        (b"\x8b\xff\xff\xff\xff.", "negative length"),
        (b"X\xff\xff\xff\xff.", "truncated"),
        (b"\x8c\x01\xff.", "not UTF-8"),
        (b"N)R.", "not a global"),
        (b"}}b.", "sets the state of a dict"),
        (b"ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsNsb.", "sets the state"),
        (b"NQ.", "not a storage"),
        (b"ctorch\nSize\n)R.", "with 0 arguments"),
        (b"ctorch\ndevice\nX\x01\0\0\0/\x85R.", "invalid device"),
    ],
)
def test_hostile_pickles(pickled, fault):
    with pytest.raises(CorruptFileError, match=fault):
        tallow.load(checkpoint(pickled))


def test_keys_that_take_forever_to_hash_are_refused():
    wide = b"}K\x01" + b"\x85" + b"2\x86".replace(b"2", b"q\x00h\x00") * 60 + b"Ns."
    deep = b"})" + b"\x85" * 100_000 + b"Ns."
    for pickled in (wide, deep):
        with pytest.raises(CorruptFileError, match="a key that is too large"):
            tallow.load(checkpoint(pickled))


def test_other_archives_are_named():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", b"N.")
        archive.writestr("m/constants.pkl", b"N.")
    file.seek(0)
    with pytest.raises(RuntimeError, match="TorchScript archive"):
        tallow.load(file)
    with pytest.raises(CorruptFileError, match=r"older than version 1\.6"):
        tallow.load(io.BytesIO(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."))
