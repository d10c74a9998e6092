"""Damaged and hostile files: always an error that names the file and the fault, never a crash or a wrong result."""

import io
import json
import random
import struct
import time
import zipfile
import zlib
from collections import OrderedDict

import pytest

import tallow
from tallow.serialization import CorruptFileError
from tallow.serialization.zip_container import write_zip


def sample():
    base = tallow.arange(6, dtype=tallow.float32).reshape(2, 3)
    return {
        "base": base,
        "row": base[1],
        "flags": tallow.tensor([True, False, True]),
        "meta": tallow.empty(2, device="meta"),
        "list": [1, 2.5, (None, "x"), 1 << 90],
        3: {1, 2},
        "state": OrderedDict(t=base.t()),
    }


def saved(obj):
    file = io.BytesIO()
    tallow.save(obj, file)
    return file.getvalue()


def describe(value):
    """Everything about a loaded object that can be compared."""
    if isinstance(value, tallow.Tensor):
        numbers = None if value.device.type == "meta" else value.tolist()
        return ("tensor", str(value.dtype), tuple(value.shape), value.stride(), numbers)
    if isinstance(value, dict):
        return (type(value).__name__, [(key, describe(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [describe(item) for item in value])
    return (type(value).__name__, value)


def safetensors_bytes(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def test_truncated_at_every_byte():
    plain = safetensors_bytes({"x": {"dtype": "I16", "shape": [2], "data_offsets": [0, 4]}}, b"\1\0\2\0")
    for data in (saved(sample()), plain):
        tallow.load(io.BytesIO(data))
        for length in range(len(data)):
            with pytest.raises(CorruptFileError):
                tallow.load(io.BytesIO(data[:length]))


def test_every_bit_flip_is_found_or_harmless():
    data = saved(sample())
    expected = describe(tallow.load(io.BytesIO(data)))
    found = 0
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            try:
                loaded = tallow.load(io.BytesIO(damaged))
            except CorruptFileError:
                found += 1
            else:  # padding, dates: bytes without meaning
                assert describe(loaded) == expected
    assert found > 8 * len(data) * 0.8


def test_truncated_and_flipped_with_mmap(tmp_path):
    """A map's data has no checksum, so a flip may change values, but nothing else may happen."""
    data = saved(sample())
    generator = random.Random(1)
    path = tmp_path / "x.tl"
    for _ in range(300):
        damaged = bytearray(data)
        damaged[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged[: generator.randrange(len(data)) if generator.random() < 0.3 else None])
        try:
            describe(tallow.load(path, mmap=True))
        except CorruptFileError as error:
            assert str(error).startswith(f"{path}: ")


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuilt(parts):
    file = io.BytesIO()
    write_zip(file, [(name, [data]) for name, data in parts.items()])
    file.seek(0)
    return file


def mutate(generator, data):
    data = bytearray(data)
    for _ in range(generator.choice([1, 1, 1, 2, 5])):
        at = generator.randrange(len(data))
        action = generator.randrange(4)
        if action == 0:
            data[at] = generator.randrange(256)
        elif action == 1:
            del data[at : at + generator.randrange(1, 9)]
        elif action == 2:
            start = generator.randrange(len(data))
            data[at:at] = data[start : start + generator.randrange(1, 30)]
        else:
            data[at] = generator.choice(b'0123456789{}[]",-:e.')
        if not data:
            return b"{"
    return bytes(data)


@pytest.mark.parametrize("name", ["tallow.json", "data.safetensors"])
def test_mutations_under_a_valid_checksum(name):
    """The attacker can compute a checksum too."""
    parts = members(saved(sample()))
    generator = random.Random(name)
    for _ in range(3000):
        file = rebuilt({**parts, name: mutate(generator, parts[name])})
        try:
            describe(tallow.load(file))
        except RuntimeError as error:  # CorruptFileError, or a device or dtype that this machine does not have
            assert str(error).startswith("<BytesIO>: ")


def with_manifest(change):
    parts = members(saved(sample()))
    manifest = json.loads(parts["tallow.json"])
    replaced = change(manifest)  # most changes work in place and return something unrelated
    if isinstance(replaced, list):
        manifest = replaced
    return rebuilt({**parts, "tallow.json": json.dumps(manifest).encode()})


def nested(depth):
    node = []
    for _ in range(depth):
        node = {"list": [node]} if node else {"list": [1]}
    return node


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda m: m["tensors"][0].update(shape=[2, 4]), "needs 32 bytes|needs 28 bytes"),
        (lambda m: m["tensors"][0].update(offset=-1), "invalid storage offset"),
        (lambda m: m["tensors"][0].update(offset=10**18), "its storage has 24"),
        (lambda m: m["tensors"][0].update(offset=True), "invalid storage offset True"),
        (lambda m: m["tensors"][0].update(stride=[10**18, 10**18]), "its storage has 24"),
        (lambda m: m["tensors"][0].update(stride=[-3, 1]), "invalid entry -3"),
        (lambda m: m["tensors"][0].update(stride=[1]), "2 sizes but 1 strides"),
        (lambda m: m["tensors"][0].update(shape=[2**40, 2**40], stride=[0, 0]), "larger than any memory"),
        (lambda m: m["tensors"][0].update(shape=[0, 2**63], stride=[0, 0]), "invalid entry"),
        (lambda m: m["tensors"][0].update(shape=[0] * 65, stride=[0] * 65), "at most 64 integers"),
        (lambda m: m["tensors"][0].update(dtype="float31"), "unknown dtype 'float31'"),
        (lambda m: m["tensors"][0].update(dtype="float64"), "its storage has 24"),
        (lambda m: m["tensors"][0].update(dtype="__import__"), "unknown dtype"),
        (lambda m: m["tensors"][0].update(storage=9), "storage 9 of"),
        (lambda m: m["tensors"][0].update(parameter=1), "flag that is neither"),
        (lambda m: m["tensors"][2].update(requires_grad=True), "requires grad but has dtype bool"),
        (lambda m: m["tensors"][0].pop("offset"), "missing or unknown fields"),
        (lambda m: m["storages"][0].update(name="other"), "missing or taken"),
        (lambda m: m["storages"].append(m["storages"][0]), "missing or taken"),
        (lambda m: m["storages"][0].update(nbytes=25), "a size other than its data"),
        (lambda m: m["storages"][0].update(device=7), "invalid device"),
        (lambda m: m["storages"].pop(), "storages"),
        (lambda m: m.update(root={"tensor": 99}), "tensor 99 of"),
        (lambda m: m.update(root={"tensor": -1}), "tensor -1 of"),
        (lambda m: m.update(root={"ref": 0}), "refers to an object 0"),
        (lambda m: m.update(root={"list": [{"ref": 0}], "id": 0}), "refers to an object 0"),
        (lambda m: m.update(root={"list": [{"list": [], "id": 1}, {"list": [], "id": 1}]}), "repeated id 1"),
        (lambda m: m.update(root={"code": "print"}), "invalid entry"),
        (lambda m: m.update(root={"list": 1, "tuple": 2}), "invalid entry"),
        (lambda m: m.update(root={"items": [[{"list": []}, 1]]}), "invalid entry"),
        (lambda m: m.update(root={"items": [[1, 1], [1.0, 2]]}), "key 1.0 twice"),
        (lambda m: m.update(root={"int": "12"}), "invalid entry"),
        (lambda m: m.update(root={"bytes": "*"}), "invalid entry"),
        (lambda m: m.update(root={"device": "cpu; rm"}), "invalid entry"),
        (lambda m: m.update(root=nested(250)), "nested more than 200 deep"),
        (lambda m: m.update(version=0), "invalid version 0"),
        (lambda m: m.update(version="1"), "invalid version '1'"),
        (lambda m: m.update(format="other"), "not a tallow manifest"),
        (lambda m: m.update(extra=1), "missing or unknown fields"),
        (lambda m: m.update(tensors={}), "must be lists"),
        (lambda m: [], "not a tallow manifest"),
    ],
)
def test_hostile_manifests(change, fault):
    with pytest.raises(CorruptFileError, match=fault) as caught:
        tallow.load(with_manifest(change))
    assert str(caught.value).startswith("<BytesIO>: ")


def test_newer_version_says_what_to_upgrade():
    with pytest.raises(RuntimeError, match="format version 2, this tallow reads up to 1; upgrade tallow-core"):
        tallow.load(with_manifest(lambda m: m.update(version=2)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format":"tallow","format":"tallow"}', "the key 'format' twice"),
        (b"[NaN]", "the literal NaN"),
        (b"[" + b"9" * 10_000 + b"]", "an integer of 10000 digits"),
        (b"[1." + b"9" * 10_000 + b"]", "a number of 10002 characters"),
        (b"\xff", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"{} x", "not valid JSON"),
    ],
)
def test_hostile_json(text, fault):
    parts = members(saved([1]))
    with pytest.raises(CorruptFileError, match=fault):
        tallow.load(rebuilt({**parts, "tallow.json": text}))


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (safetensors_bytes({}, length=2**63), "header claims"),
        (safetensors_bytes({}, length=2**64 - 1), "header claims"),
        (safetensors_bytes(b"{" + b" " * 20, length=100), "header claims 100 bytes"),
        (safetensors_bytes(b'{"x":1}'), "does not have exactly dtype, shape and data_offsets"),
        (safetensors_bytes({"x": entry(shape=(2,))}, b"\0" * 4), "needs 8 bytes"),
        (safetensors_bytes({"x": entry(offsets=(0, 5))}, b"\0" * 5), "needs 4 bytes"),
        (safetensors_bytes({"x": entry(offsets=(4, 0))}, b"\0" * 4), "invalid data_offsets"),
        (safetensors_bytes({"x": entry(offsets=(-4, 0))}, b"\0" * 4), "invalid entry -4"),
        (safetensors_bytes({"x": entry(offsets=(2**62, 2**62 + 4))}, b"\0" * 4), "leaves a hole"),
        (safetensors_bytes({"x": entry(), "y": entry()}, b"\0" * 4), "overlaps"),
        (safetensors_bytes({"x": entry(), "y": entry(offsets=(8, 12))}, b"\0" * 12), "leaves a hole"),
        (safetensors_bytes({"x": entry()}, b"\0" * 5), "take 4 bytes, the file has 5"),
        (safetensors_bytes({"x": entry(dtype="F31")}, b"\0" * 4), "unknown dtype 'F31'"),
        (safetensors_bytes({"x": entry(dtype=["F32"])}, b"\0" * 4), "unknown dtype"),
        (safetensors_bytes({"x": entry(shape=(2**40, 2**40))}, b"\0" * 4), "larger than any memory"),
        (safetensors_bytes({"x": entry(shape=(-1,))}, b"\0" * 4), "invalid entry -1"),
        (safetensors_bytes({"x": entry(shape=(1.0,))}, b"\0" * 4), "invalid entry 1.0"),
        (safetensors_bytes({"__metadata__": {"a": 1}}), "__metadata__"),
        (safetensors_bytes({"x": entry("BOOL", (2,), (0, 2))}, b"\1\2"), "bytes other than 0 and 1"),
        (safetensors_bytes(b'{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{}}'), "twice"),
    ],
)
def test_hostile_safetensors(data, fault):
    with pytest.raises(CorruptFileError, match=fault):
        tallow.load(io.BytesIO(data))


def test_unsupported_safetensors_dtype_is_not_called_corrupt():
    with pytest.raises(RuntimeError, match="dtype F4, which tallow does not support") as caught:
        tallow.load(io.BytesIO(safetensors_bytes({"x": entry("F4", (8,))}, b"\0" * 4)))
    assert not isinstance(caught.value, CorruptFileError)


def patched(data, signature, offset, layout, value, last=False):
    """The archive with one header field replaced."""
    at = (data.rfind if last else data.find)(signature) + offset
    changed = bytearray(data)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"


@pytest.mark.parametrize(
    ("signature", "offset", "layout", "value", "fault"),
    [
        (CENTRAL, 10, "<H", 8, "is compressed"),
        (CENTRAL, 8, "<H", 1, "is encrypted"),
        (CENTRAL, 20, "<I", 5, "sizes 5 and"),
        (CENTRAL, 16, "<I", 0, "disagrees"),
        (CENTRAL, 42, "<I", 2**31, "takes bytes"),
        (CENTRAL, 42, "<I", 2**32 - 1, "lacks its zip64 field"),
        (CENTRAL, 28, "<H", 2**16 - 1, "damaged entry 0"),
        (LOCAL, 26, "<H", 2**16 - 1, "takes bytes"),
        (LOCAL, 28, "<H", 2**16 - 1, "takes bytes|runs into the directory"),
        (LOCAL, 30, "<B", 0x20, "another name"),
        (END, 8, "<H", 9, "several disks"),
        (END, 10, "<H", 2**16 - 1, "several disks"),
        (END, 12, "<I", 2**31, "the end record starts"),
        (END, 16, "<I", 0, "the end record starts"),
        (END, 20, "<H", 1, "no end record"),
    ],
)
def test_hostile_zip_headers(signature, offset, layout, value, fault):
    data = patched(saved([tallow.arange(3)]), signature, offset, layout, value)
    with pytest.raises(CorruptFileError, match=fault):
        tallow.load(io.BytesIO(data))


def test_entry_counts_beyond_the_directory():
    data = saved([1])
    for count in (3, 2**16 - 1):
        changed = patched(patched(data, END, 8, "<H", count), END, 10, "<H", count)
        with pytest.raises(CorruptFileError, match=r"cannot hold \d+ entries|truncated at entry"):
            tallow.load(io.BytesIO(changed))


def zipped(parts, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    file.seek(0)
    return file


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_archives():
    parts = members(saved([tallow.arange(3)]))
    assert tallow.load(zipped(parts.items()))[0].tolist() == [0, 1, 2]  # another program's zip is welcome
    with pytest.raises(CorruptFileError, match="duplicate member 'tallow.json'"):
        tallow.load(zipped([*parts.items(), ("tallow.json", b"{}")]))
    with pytest.raises(CorruptFileError, match="no member 'data.safetensors'"):
        tallow.load(zipped([("tallow.json", parts["tallow.json"])]))
    with pytest.raises(CorruptFileError, match="neither 'tallow.json' nor a torch checkpoint"):
        tallow.load(zipped([("readme.txt", b"")]))
    with pytest.raises(CorruptFileError, match="neither 'tallow.json'|no end record"):
        tallow.load(zipped([]))


def test_zip_bomb_is_not_inflated():
    bomb = zipped([("tallow.json", b" " * (1 << 26))], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 1 << 17
    start = time.perf_counter()
    with pytest.raises(CorruptFileError, match="compressed"):
        tallow.load(bomb)
    assert time.perf_counter() - start < 0.5


def test_overlapping_members():
    """Two entries of the directory that point to one local header."""
    file = io.BytesIO()
    write_zip(file, [("tallow.json", [b"{}"]), ("tallow.jsop", [b"{}"])])
    data = bytearray(file.getvalue())
    second = data.rfind(CENTRAL)
    struct.pack_into("<I", data, second + 42, 0)
    data[second + 46 : second + 57] = b"tallow.json"
    with pytest.raises(CorruptFileError, match="duplicate|overlap"):
        tallow.load(io.BytesIO(data))


def test_damaged_data_names_the_checksum():
    data = bytearray(saved([tallow.arange(100)]))
    inner = members(bytes(data))["data.safetensors"]
    at = bytes(data).index(inner) + len(inner) - 1
    data[at] ^= 1
    crc = zlib.crc32(inner)
    with pytest.raises(CorruptFileError, match=f"checksum of 'data.safetensors' is .* the file says {crc:08x}"):
        tallow.load(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "there is nothing to read"),
        (b"\0", "neither a tallow file"),
        (b"hello world, this is text", "neither a tallow file"),
        (b"PK", "no end record"),
        (b"\0" * 1000, "neither a tallow file"),
    ],
)
def test_other_content(data, fault):
    with pytest.raises(CorruptFileError, match=fault):
        tallow.load(io.BytesIO(data))


def test_random_bytes():
    generator = random.Random(0)
    for length in (1, 4, 10, 100, 1000):
        for prefix in (b"", b"PK\3\4", b"\x02\0\0\0\0\0\0\0{", b"\x80\x02"):
            with pytest.raises(CorruptFileError):
                tallow.load(io.BytesIO(prefix + generator.randbytes(length)))


def test_the_message_names_the_file(tmp_path):
    path = tmp_path / "model.tl"
    path.write_bytes(b"PK\3\4")
    with pytest.raises(CorruptFileError) as caught:
        tallow.load(path)
    assert caught.value.file == str(path) and str(caught.value) == f"{path}: {caught.value.fault}"
