"""Checkpoints that torch wrote (data/torch_checkpoint.pt): tensors and plain containers are read, nothing is run."""

import io
import pathlib
import pickle
import pickletools
import warnings
import zipfile
from collections import Counter, OrderedDict

import pytest

import tallow
from tallow.serialization import CorruptFileError

DATA = pathlib.Path(__file__).with_name("data")


def load_quietly(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Parameters become tensors where tallow.nn is not installed
        return tallow.load(*args, **options)


KINDS = ["zip", "zip mmap", "legacy", "legacy mmap", "written here", "written here mmap"]


@pytest.fixture(scope="module", params=KINDS)
def loaded(request, tmp_path_factory):
    """What torch wrote, in its two formats; and the same object as it is written here."""
    path = DATA / ("torch_legacy.pt" if request.param.startswith("legacy") else "torch_checkpoint.pt")
    if request.param.startswith("written"):
        obj, path = load_quietly(path), tmp_path_factory.mktemp("written") / "here.pt"
        tallow.save(obj, path)
    return load_quietly(path, mmap=request.param.endswith("mmap"))


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
    if "uint16" in loaded:  # younger than the legacy format
        assert loaded["uint16"].dtype == tallow.uint16 and loaded["uint16"].tolist() == [1, 65535]


def test_shapes(loaded):
    assert loaded["scalar"].shape == () and loaded["scalar"].item() == 2.5
    assert loaded["empty"].shape == (0, 3)
    if "meta" in loaded:
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
        ({"count": -4}, "invalid reference to a storage"),
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
    with pytest.raises(RuntimeError, match=r"legacy \.tar format"):
        tallow.load(io.BytesIO(bytes(257) + b"ustar" + bytes(1000)))


LEGACY = (DATA / "torch_legacy.pt").read_bytes()


@pytest.mark.parametrize("size", [1, 20, 200, 1000, len(LEGACY) - 600, len(LEGACY) - 9, len(LEGACY) - 1])
def test_legacy_cut_short(size):
    with pytest.raises(CorruptFileError, match="truncated"):
        load_quietly(io.BytesIO(LEGACY[:size]))


def test_legacy_damaged_anywhere():
    """Whatever byte is changed, the answer is an object or one of the errors, in bounded time."""
    for at in range(0, len(LEGACY), 7):
        damaged = bytearray(LEGACY)
        damaged[at] ^= 0x55
        try:
            load_quietly(io.BytesIO(bytes(damaged)))
        except (CorruptFileError, pickle.UnpicklingError, RuntimeError):
            pass


def test_legacy_pickles_longer_than_the_first_read():
    from tallow.serialization import torch_legacy

    assert len(LEGACY) > 2000
    size, torch_legacy._FIRST_READ = torch_legacy._FIRST_READ, 64
    try:
        assert load_quietly(io.BytesIO(LEGACY))["row"].tolist() == [3, 4, 5]
    finally:
        torch_legacy._FIRST_READ = size


def test_legacy_is_a_checkpoint():
    with pytest.raises(CorruptFileError, match="lacks the magic number"):
        tallow.load(io.BytesIO(pickle.dumps([1, 2], protocol=2)))
    with pytest.raises(CorruptFileError, match="protocol version 7, 1001 is read"):
        tallow.load(io.BytesIO(pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(7, protocol=2)))
    with pytest.raises(pickle.UnpicklingError, match="refused to load"):
        tallow.load(io.BytesIO(pickle.dumps(print, protocol=2)))


# ---- written ------------------------------------------------------------------------------------------------------

# Names that torch.load accepts with weights_only=True, as far as they are written here. frozenset and slice are not.
ACCEPTED = {
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_meta_tensor_no_storage",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch BoolStorage",
    "torch.storage UntypedStorage",
    "torch float32",
    "torch uint16",
    "torch Size",
    "torch device",
    "collections OrderedDict",
    "_codecs encode",
    "__builtin__ set",
    "__builtin__ complex",
}


def written(obj, **options):
    file = io.BytesIO()
    tallow.save(obj, file, format="torch", **options)
    file.seek(0)
    return file


def test_the_archive_is_as_torch_writes_it():
    state = OrderedDict(w=tallow.arange(6.0).view(2, 3), big=tallow.ones(300, dtype=tallow.uint16))
    state._metadata = {"": {"version": 1}}
    obj = [state, tallow.tensor([True]), tallow.empty(2, device="meta"), tallow.Size([2]), tallow.device("cpu")]
    obj += [b"x", 1j, {1, 2}, tallow.float32]
    file = written(obj)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        assert names[0] == "archive/data.pkl" and archive.testzip() is None
        assert set(names[1:]) == {f"archive/{n}" for n in ("byteorder", "version", "data/0", "data/1", "data/2")}
        assert archive.read("archive/version") == b"3\n" and archive.read("archive/byteorder") == b"little"
        assert archive.read("archive/data/0") == state["w"].numpy().tobytes()
        text = archive.read("archive/data.pkl")
    used = {argument for opcode, argument, _ in pickletools.genops(text) if opcode.name == "GLOBAL"}
    assert used <= ACCEPTED
    assert text[:2] == b"\x80\x02" and written(obj).getvalue() == file.getvalue()


def test_names_decide_the_format(tmp_path):
    for name, member in {"a.pt": "archive/data.pkl", "a.PTH": "archive/data.pkl", "a.tallow": "tallow.json"}.items():
        tallow.save([tallow.ones(2)], tmp_path / name)
        assert member in zipfile.ZipFile(tmp_path / name).namelist()
    with open(tmp_path / "b.pt", "wb") as file:
        tallow.save([tallow.ones(2)], file)
    assert "archive/data.pkl" in zipfile.ZipFile(tmp_path / "b.pt").namelist()
    tallow.save([1], tmp_path / "c.pt", format="tallow")
    assert "tallow.json" in zipfile.ZipFile(tmp_path / "c.pt").namelist()
    with pytest.raises(ValueError, match="expected format to be 'torch', 'tallow' or 'safetensors', got 'zip'"):
        tallow.save([1], tmp_path / "d.pt", format="zip")
    with pytest.raises(ValueError, match="format of torch before 1.6 is not written"):
        tallow.save([1], tmp_path / "d.pt", _use_new_zipfile_serialization=False)


class Model:
    def state_dict(self):
        return {}


@pytest.mark.parametrize(
    ("obj", "error", "text"),
    [
        ({"m": [Model()]}, TypeError, r"obj\['m'\]\[0\]: cannot save type .*Model; save its state_dict\(\)"),
        ({"f": print}, TypeError, r"obj\['f'\]: cannot save type builtin_function_or_method"),
        ({frozenset(): 1}, TypeError, "cannot save a key of type frozenset"),
        ([slice(0.5)], TypeError, "slice whose parts are not int"),
    ],
)
def test_what_cannot_be_written(obj, error, text):
    with pytest.raises(error, match=text):
        written(obj)


def test_one_storage_has_one_type():
    base = tallow.zeros(4, dtype=tallow.int32)
    with pytest.raises(RuntimeError, match=r"obj\[1\]: Cannot save multiple .* int32 elsewhere and float32 here"):
        written([base, base.view(tallow.float32)])


def test_cycles_are_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        written(loop)


def test_the_same_object_stays_the_same():
    shared, weight = [1], tallow.ones(2)
    loaded = tallow.load(written({"a": shared, "b": shared, "x": weight, "y": weight, "words": ["a"] * 3}))
    assert loaded["a"] is loaded["b"] and loaded["x"] is loaded["y"] and loaded["words"] == ["a"] * 3


def test_allowed_containers_of_torch():
    counter = b"\x80\x02ccollections\nCounter\n}X\x01\0\0\0aK\x02s\x85R."
    assert tallow.load(checkpoint(counter)) == Counter(a=2)
    data = b"\x80\x02c__builtin__\nbytearray\nX\x02\0\0\0abX\x07\0\0\0latin-1\x86R."
    assert tallow.load(checkpoint(data)) == bytearray(b"ab")
