"""tallow.save and tallow.load: what goes in comes out."""

import io
import json
import math
import struct
import sys
import zipfile
from collections import Counter, OrderedDict

import pytest

import tallow

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


def round_trip(obj, **options):
    file = io.BytesIO()
    tallow.save(obj, file)
    file.seek(0)
    return tallow.load(file, **options)


def same_storage(a, b):
    return a._storage_id() == b._storage_id()


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(name):
    tensor = tallow.tensor([[0, 1, 2], [3, 0, 100]]).to(getattr(tallow, name))
    loaded = round_trip(tensor)
    assert loaded.dtype == tensor.dtype and loaded.shape == tensor.shape and loaded.tolist() == tensor.tolist()


def test_plain_containers_keep_types_and_order():
    obj = {
        "z": 1,
        "a": [1.5, -0.0, True, None, "text", "\ud800", b"\x00\xff", 2j, complex(-0.0, math.inf)],
        3: (),
        2.5: ((1, (2,)), []),
        None: {1, "x", (2, 3)},
        True: frozenset([b"k"]),
        (1, ("n", None)): OrderedDict([("b", 1), (2, 2)]),
        "torch": (tallow.float16, tallow.device("cpu"), tallow.Size([2, 0]), slice(1, None, -2)),
    }
    loaded = round_trip(obj)
    assert loaded == obj
    assert list(loaded) == list(obj)
    assert [type(item) for item in loaded["a"]] == [type(item) for item in obj["a"]]
    assert math.copysign(1, loaded["a"][1]) == -1 and type(loaded[(1, ("n", None))]) is OrderedDict
    assert [type(item) for item in loaded["torch"]] == [type(item) for item in obj["torch"]]


@pytest.mark.parametrize("value", [0, -1, 2**53, 2**53 + 1, -(2**64), 3**20000, -(7**50)], ids=int.bit_length)
def test_integers_of_any_size(value):
    assert round_trip([value]) == [value]


@pytest.mark.parametrize("value", [math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, 1e16, -0.0])
def test_floats_are_exact(value):
    assert struct.pack("d", round_trip(value)) == struct.pack("d", value)


@pytest.mark.parametrize("bits", [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000123])
def test_nan_keeps_its_bits(bits):
    value = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
    assert struct.pack(">d", round_trip([value])[0]) == bits.to_bytes(8, "big")


def test_views_share_storage_again():
    base = tallow.arange(12).reshape(3, 4)
    loaded = round_trip({"base": base, "row": base[1], "t": base.t(), "step": base[:, ::2], "other": base.clone()})
    assert loaded["t"].stride() == (1, 4) and loaded["step"].stride() == (4, 2)
    assert loaded["row"].storage_offset() == 4
    assert all(same_storage(loaded["base"], loaded[name]) for name in ("row", "t", "step"))
    assert not same_storage(loaded["base"], loaded["other"])
    loaded["row"].fill_(7)
    assert loaded["base"][1].tolist() == [7, 7, 7, 7] and loaded["t"][:, 1].tolist() == [7, 7, 7, 7]


def test_views_with_another_dtype_share_storage():
    base = tallow.tensor([1.0, 2.0])
    loaded = round_trip([base, base.view(tallow.int32)])
    assert same_storage(*loaded) and loaded[1].dtype == tallow.int32 and loaded[0].tolist() == [1.0, 2.0]


def test_same_object_is_the_same_object():
    tensor, shared = tallow.ones(2), [1]
    loaded = round_trip({"a": tensor, "b": tensor, "c": shared, "d": (shared, {"e": shared})})
    assert loaded["a"] is loaded["b"]
    assert loaded["c"] is loaded["d"][0] is loaded["d"][1]["e"]


def test_sharing_does_not_blow_up():
    obj = [1]
    for _ in range(100):
        obj = [obj, obj]
    loaded = round_trip(obj)
    assert loaded[0] is loaded[1]


def test_expanded_empty_scalar_and_meta():
    expanded = tallow.ones(1).expand(1000, 1000)
    file = io.BytesIO()
    tallow.save([expanded, tallow.empty(0, 3), tallow.tensor(5), tallow.empty(2, 3, device="meta").t()], file)
    assert len(file.getvalue()) < 3000
    file.seek(0)
    wide, empty, scalar, meta = tallow.load(file)
    assert wide.shape == (1000, 1000) and wide.stride() == (0, 0) and wide[9, 9].item() == 1
    assert empty.shape == (0, 3) and scalar.shape == () and scalar.item() == 5
    assert meta.device.type == "meta" and meta.shape == (3, 2) and meta.stride() == (1, 3)


def test_state_dict_metadata():
    state = OrderedDict(weight=tallow.ones(1))
    state._metadata = OrderedDict({"": {"version": 2}})
    loaded = round_trip(state)
    assert loaded._metadata == state._metadata and type(loaded._metadata) is OrderedDict


def test_parameters_and_requires_grad():
    nn = pytest.importorskip("tallow.nn")
    weight = nn.Parameter(tallow.arange(6.0).reshape(2, 3))
    obj = {"weight": weight, "tied": weight, "view": weight.detach()[0], "frozen": nn.Parameter(weight.data, False)}
    obj["leaf"] = tallow.ones(2, requires_grad=True)
    obj["result"] = obj["leaf"] * 2
    loaded = round_trip(obj)
    assert type(loaded["weight"]) is nn.Parameter and loaded["weight"] is loaded["tied"]
    assert loaded["weight"].requires_grad and loaded["weight"].is_leaf and not loaded["frozen"].requires_grad
    assert same_storage(loaded["weight"], loaded["view"]) and type(loaded["view"]) is tallow.Tensor
    assert loaded["leaf"].requires_grad and loaded["result"].requires_grad and loaded["result"].is_leaf


def test_without_autograd_and_nn_tensors_are_plain(monkeypatch):
    """A checkpoint of a model is of use to a program that has only the core."""
    from tallow.serialization import native_format, strict_json, zip_container

    for flag, needed in (("requires_grad", "tallow-autograd"), ("parameter", "tallow-nn")):
        archive = native_format.save_members([tallow.ones(2)])
        manifest = json.loads(archive[0][1][0])
        manifest["tensors"][0][flag] = True
        file = io.BytesIO()
        zip_container.write_zip(file, [("tallow.json", [strict_json.dump(manifest)]), archive[1]])
        file.seek(0)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.warns(UserWarning, match=f"{needed} is not installed: they are loaded as plain tensors"):
            loaded = tallow.load(file)
        assert type(loaded[0]) is tallow.Tensor and not loaded[0].requires_grad


def test_same_object_gives_the_same_bytes():
    def saved():
        file = io.BytesIO()
        tallow.save({"x": tallow.arange(5), "s": [1, 2]}, file)
        return file.getvalue()

    assert saved() == saved()


def test_archive_is_an_ordinary_zip_with_aligned_safetensors():
    file = io.BytesIO()
    tallow.save({"layer": {"weight": tallow.ones(3, 4), "bias": tallow.ones(16)}, "step": 7}, file)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["tallow.json", "data.safetensors"]
        manifest = json.loads(archive.read("tallow.json"))
        data = archive.read("data.safetensors")
    assert manifest["root"]["dict"]["step"] == 7
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header["layer.weight"]["shape"] == [3, 4] and header["layer.weight"]["dtype"] == "F32"
    assert (8 + length) % 64 == 0 and file.getvalue().index(data) % 64 == 0


def test_write_only_and_unseekable_files():
    class Sink:
        def __init__(self):
            self.data = b""

        def write(self, piece):
            self.data += bytes(piece)

    class Pipe:
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    sink = Sink()
    tallow.save([tallow.arange(3)], sink)
    assert tallow.load(Pipe(sink.data))[0].tolist() == [0, 1, 2]


def test_load_starts_at_the_position_of_the_file():
    file = io.BytesIO(b"prefix")
    file.seek(6)
    tallow.save([1], file)
    file.seek(6)
    assert tallow.load(file) == [1]


class Custom:
    pass


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({"model": {"x": Custom()}}, r"obj\['model'\]\['x'\]: cannot save type .*test_serialization.Custom"),
        ([0, (1, {"f": print})], r"obj\[1\]\[1\]\['f'\]: cannot save type builtin_function_or_method"),
        (Counter("a"), r"obj: cannot save type collections.Counter"),
        ({"a": {Custom(): 1}}, r"obj\['a'\]: cannot save a key of type .*Custom"),
        ([{Custom()}], r"obj\[0\]: cannot save a set element of type .*Custom"),
        ([slice("a", None)], r"obj\[0\]: cannot save a slice"),
    ],
)
def test_refused_types_name_their_place(obj, text):
    with pytest.raises(TypeError, match=text):
        tallow.save(obj, io.BytesIO())


def test_cycles_and_depth():
    cycle = {"a": []}
    cycle["a"].append(cycle)
    with pytest.raises(ValueError, match=r"obj\['a'\]\[0\]: cannot save a container that contains itself"):
        tallow.save(cycle, io.BytesIO())
    deep = []
    for _ in range(199):
        deep = [deep]
    assert round_trip(deep) == deep
    with pytest.raises(ValueError, match="nested more than 200 deep"):
        tallow.save([deep], io.BytesIO())


def test_map_location():
    obj = {"x": tallow.arange(3)}
    assert round_trip(obj, map_location="cpu")["x"].tolist() == [0, 1, 2]
    assert round_trip(obj, map_location=tallow.device("meta"))["x"].device.type == "meta"
    assert round_trip(obj, map_location={"cpu": "meta"})["x"].device.type == "meta"
    seen = []
    loaded = round_trip(obj, map_location=lambda storage, location: seen.append((storage.numel(), location)))
    assert seen == [(24, "cpu")] and loaded["x"].tolist() == [0, 1, 2]
    assert round_trip(obj, map_location=lambda storage, location: storage)["x"].tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="expected map_location to be a device.*got int"):
        round_trip(obj, map_location=3)


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"expected f to be a path or a file object with write\(\), got int"):
        tallow.save(1, 3)
    with pytest.raises(TypeError, match=r"expected f to be a path or a file object with read\(\), got int"):
        tallow.load(3)
    with pytest.raises(TypeError, match="binary mode"):
        tallow.load(io.StringIO("text"))
    with pytest.raises(ValueError, match="must be a path to use mmap=True"):
        tallow.load(io.BytesIO(b""), mmap=True)
    with pytest.raises(FileNotFoundError):
        tallow.load("no-such-file")


def test_saving_and_loading_need_no_numpy():
    import subprocess

    code = (
        "import io, sys, tallow; f = io.BytesIO(); tallow.save([tallow.ones(3)], f); f.seek(0); tallow.load(f);"
        "assert not {'numpy', 'pickle'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
