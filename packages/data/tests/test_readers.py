"""Image folders, tables, mapped arrays: what they give and refuse, and what is said where a package is missing."""

import io
import struct
import sys

import pytest

import tallow
from tallow.data import DataLoader, readers
from tallow.data.readers._optional import progress
from tallow.data.readers.arrays import MappedArrays, map_npy, map_raw, save_npy


# ---------------------------------------------------------------- arrays
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float16", "float32", "float64", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(4, 3), (5,), (), (0, 2)])
def test_npy_there_and_back(tmp_path, dtype, shape):
    t = tallow.arange(12).to(getattr(tallow, dtype))[: tallow.Size(shape).numel()].reshape(shape)
    save_npy(tmp_path / "a.npy", t)
    mapped = map_npy(tmp_path / "a.npy")
    assert mapped.dtype == t.dtype and mapped.shape == t.shape and (mapped == t).all()


def test_npy_is_numpys(tmp_path):
    numpy = pytest.importorskip("numpy")
    save_npy(tmp_path / "ours.npy", tallow.arange(6).reshape(2, 3))
    assert numpy.load(tmp_path / "ours.npy").tolist() == [[0, 1, 2], [3, 4, 5]]
    turned = numpy.asfortranarray(numpy.arange(24.0).reshape(2, 3, 4))
    numpy.save(tmp_path / "theirs.npy", turned)
    assert map_npy(tmp_path / "theirs.npy").tolist() == turned.tolist()
    for refused in (
        numpy.array([object()]),
        numpy.array(["a"]),
        numpy.arange(3).astype(">i4"),
        numpy.zeros(2, "i4,f4"),
    ):
        numpy.save(tmp_path / "no.npy", refused, allow_pickle=True)
        with pytest.raises(ValueError, match="has values of type"):
            map_npy(tmp_path / "no.npy")


def npy(header, version=1, data=b""):
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no .npy file"),
        (b"\x93NUMPX" + bytes(20), "is no .npy file"),
        (npy(b"{}", version=9), "is no .npy file"),
        (npy(b"__import__('os')"), "header of .* cannot be read"),
        (npy(b"{'descr': '<f4'}"), "header of .* cannot be read"),
        (npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "declares the shape"),
        (npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", data=bytes(8)), "are 36 bytes, but .* has 8"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff", "declares a header of 4294967295 bytes"),
    ],
)
def test_bad_npy(tmp_path, content, message):
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        map_npy(tmp_path / "bad.npy")


def test_raw(tmp_path):
    path = tmp_path / "raw"
    path.write_bytes(b"head" + struct.pack("<6i", *range(6)))
    mapped = map_raw(path, tallow.int32, (2, -1), offset=4)
    assert mapped.tolist() == [[0, 1, 2], [3, 4, 5]]
    mapped[0] = 9
    assert map_raw(path, tallow.int32, (6,), offset=4)[0] == 0
    map_raw(path, tallow.int32, (6,), offset=4, writable=True)[0] = 9
    assert map_raw(path, tallow.int32, (6,), offset=4)[0] == 9
    for shape, offset, message in [
        ((7,), 4, "28 bytes"), ((4, -1), 4, "do not divide"), ((1,), 99, "no offset 99"), ((-2,), 0, "not be negative"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            map_raw(path, tallow.int32, shape, offset=offset)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_mapped_arrays_in_workers(tmp_path, method):
    save_npy(tmp_path / "x.npy", tallow.arange(4000.0).reshape(20, 200))
    save_npy(tmp_path / "y.npy", tallow.arange(20))
    data = MappedArrays(tmp_path / "x.npy", tmp_path / "y.npy")
    for x, y in DataLoader(data, 6, shuffle=True, num_workers=1, multiprocessing_context=method):
        assert (x[:, 0] == y * 200).all()
    save_npy(tmp_path / "z.npy", tallow.arange(19))
    with pytest.raises(ValueError, match=r"same number of rows, got .*x.npy: \[20, 200\]"):
        MappedArrays(tmp_path / "x.npy", tmp_path / "z.npy")


# ---------------------------------------------------------------- images
@pytest.fixture
def folder(tmp_path):
    images = pytest.importorskip("PIL.Image")
    for name, color in [("cat/1.png", (255, 0, 0)), ("cat/deep/2.PNG", (0, 255, 0)), ("dog/1.bmp", (0, 0, 255))]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        images.new("RGB", (4, 3), color).save(path, "PNG" if "g" in name[-1].lower() else "BMP")
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    return tmp_path


def test_image_folder(folder):
    data = readers.ImageFolder(folder)
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1} and data.targets == [0, 0, 1]
    image, label = data[2]
    assert image.shape == (3, 3, 4) and image.dtype == tallow.uint8 and label == 1 and image[2].min() == 255
    batch, labels = next(iter(DataLoader(data, 3, num_workers=1)))
    assert batch.shape == (3, 3, 3, 4) and labels.tolist() == [0, 0, 1]
    own = readers.ImageFolder(folder, transform=len, target_transform=str, loader=lambda path: [path], progress=False)
    assert own[0] == (1, "0")
    assert len(readers.ImageFolder(folder, is_valid_file=lambda path: path.endswith((".txt", ".png")))) == 2


def test_load_image(folder, tmp_path):
    assert readers.load_image(folder / "cat/1.png", "L", size=(5, 6)).shape == (1, 5, 6)
    (tmp_path / "bad.png").write_bytes((folder / "cat/1.png").read_bytes()[:45])
    for path in (tmp_path / "bad.png", folder / "dog/notes.txt"):
        with pytest.raises(ValueError, match="is no image that can be read"):
            readers.load_image(path)
    with pytest.raises(ValueError, match="has 4 x 3 pixels, more than max_pixels=11"):
        readers.load_image(folder / "cat/1.png", max_pixels=11)
    with pytest.raises(ValueError, match="mode must be one of"):
        readers.load_image(folder / "cat/1.png", "CMYK")
    with pytest.raises(FileNotFoundError):
        readers.load_image(folder / "none.png")


def test_folders_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="couldn't find any class folder"):
        readers.ImageFolder(tmp_path, loader=str)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no valid file for the classes empty"):
        readers.ImageFolder(tmp_path, loader=str)
    assert len(readers.ImageFolder(tmp_path, loader=str, allow_empty=True)) == 0


# ---------------------------------------------------------------- tables
ROWS = [{"n": i, "x": i / 2, "name": f"é{i}", "even": i % 2 == 0} for i in range(10)]


@pytest.fixture
def table():
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("pyarrow.csv")
    return arrow.Table.from_pylist(ROWS)


def test_parquet(table, tmp_path):
    sys.modules["pyarrow.parquet"].write_table(table, tmp_path / "a.parquet", row_group_size=4)
    data = readers.read_parquet([tmp_path / "a.parquet"] * 2)
    assert len(data) == 20 and [data[i] for i in range(-10, 10)] == ROWS * 2
    batch = next(iter(DataLoader(data, 3)))
    assert (
        batch["n"].tolist() == [0, 1, 2] and batch["name"] == ["é0", "é1", "é2"] and batch["x"].dtype == tallow.float64
    )
    assert list(DataLoader(data, 2, collate_fn=list))[1] == ROWS[2:4]
    assert set(readers.read_parquet(tmp_path / "a.parquet", ["x"]).columns) == {"x"}
    with pytest.raises(ValueError, match="has no column z; it has n, x, name, even"):
        readers.read_parquet(tmp_path / "a.parquet", ["z"])
    with pytest.raises(IndexError, match="index 20 is out of range for 20 rows"):
        data[20]


def test_csv(table, tmp_path):
    (tmp_path / "a.csv").write_text("n;text\n1;a\n;b\n")
    with pytest.raises(ValueError, match="column n has 1 missing values: give fill={'n': value}"):
        readers.read_csv(tmp_path / "a.csv", delimiter=";")
    data = readers.read_csv(tmp_path / "a.csv", delimiter=";", fill={"n": -1})
    assert [data[0], data[1]] == [{"n": 1, "text": "a"}, {"n": -1, "text": "b"}]
    with pytest.raises(ValueError, match="a.csv cannot be read.*'z'"):
        readers.read_csv(tmp_path / "a.csv", ["z"])
    with pytest.raises(FileNotFoundError):
        readers.read_csv(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_text("n;other\n1;a\n")
    with pytest.raises(ValueError, match="not the same columns"):
        readers.read_csv([tmp_path / "a.csv", tmp_path / "b.csv"], delimiter=";", fill={"n": 0})


def test_columns_of_other_types(table, tmp_path):
    arrow, parquet = sys.modules["pyarrow"], sys.modules["pyarrow.parquet"]
    columns = {
        "time": arrow.array([1, 2], arrow.timestamp("ms")),
        "kind": arrow.array(["a", "b"]).dictionary_encode(),
        "raw": arrow.array([b"x", b"yz"]),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet")
    assert readers.read_parquet(tmp_path / "a.parquet")[1] == {"time": 2, "kind": "b", "raw": b"yz"}
    parquet.write_table(arrow.table({"lists": [[1], [2]]}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="column lists has values of type list<.*neither numbers nor text"):
        readers.read_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(ValueError, match="c.parquet cannot be read"):
        readers.read_parquet(tmp_path / "c.parquet")


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_parquet_by_and_by(table, tmp_path):
    sys.modules["pyarrow.parquet"].write_table(table, tmp_path / "a.parquet", row_group_size=3)
    data = readers.ParquetStream([tmp_path / "a.parquet"] * 2, ["n"])
    assert len(data) == 20 and [row["n"] for row in data] == [row["n"] for row in data] == list(range(10)) * 2

    def batches(loader):
        return [batch["n"].tolist() for batch in loader]

    expected = batches(DataLoader(data, 2, num_workers=2))
    assert sorted(sum(expected, [])) == sorted(list(range(10)) * 2)
    first = DataLoader(data, 2, num_workers=2)
    iterator = iter(first)
    part = [next(iterator)["n"].tolist() for _ in range(3)]
    for workers in (0, 1, 3):
        other = DataLoader(readers.ParquetStream(data.paths, ["n"]), 2, num_workers=workers)
        other.load_state_dict(first.state_dict())
        assert part + batches(other) == expected


def test_table_dataset():
    with pytest.raises(ValueError, match="columns must have one length, got {'a': 1, 'b': 2}"):
        readers.TableDataset({"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match="columns must have one length"):
        readers.TableDataset({})


# ---------------------------------------------------------------- what may be missing
@pytest.mark.parametrize(
    ("module", "call", "message"),
    [
        ("PIL.Image", lambda: readers.ImageFolder("."), r"ImageFolder needs Pillow.*tallow-data\[images\]"),
        ("PIL.Image", lambda: readers.load_image("x"), r"load_image\(\) needs Pillow"),
        ("pyarrow.csv", lambda: readers.read_csv("x"), r"read_csv\(\) needs pyarrow.*tallow-data\[tables\]"),
        ("pyarrow.parquet", lambda: readers.read_parquet("x"), r"read_parquet\(\) needs pyarrow"),
        ("pyarrow.parquet", lambda: readers.ParquetStream("x"), "ParquetStream needs pyarrow"),
        ("tqdm", lambda: progress([], "", True), r"A progress bar needs tqdm.*tallow-data\[progress\]"),
    ],
)
def test_what_is_not_installed(monkeypatch, module, call, message):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=message):
        call()


def test_progress(monkeypatch):
    pytest.importorskip("tqdm")
    assert progress([1], "", False) == [1]
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress([1], "", None) == [1]
    assert list(progress([1, 2], "Reading", True)) == [1, 2] and "Reading" in sys.stderr.getvalue()
