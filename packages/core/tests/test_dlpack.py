"""DLPack with NumPy as the other side: what is shared, what is refused, and who keeps the memory."""

import ctypes
import gc
import weakref

import numpy as np
import pytest

import tallow

SHARED_DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
VERSIONS = [pytest.param(None, id="legacy"), pytest.param((1, 0), id="versioned")]


class Producer:
    """An object that hands out another's capsules, and remembers how it was asked."""

    def __init__(self, tensor, refuses_versions=False):
        self.tensor, self.refuses_versions, self.asked = tensor, refuses_versions, []

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **keywords):
        self.asked.append(keywords)
        if self.refuses_versions and "max_version" in keywords:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        return self.tensor.__dlpack__(**keywords)


def name_of(capsule):
    return repr(capsule).split('"')[1]


# ---------------------------------------------------------------- both ways, every dtype
@pytest.mark.parametrize("dtype", SHARED_DTYPES)
def test_numpy_reads_a_tensor_in_place(dtype):
    t = tallow.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(tallow, dtype))
    a = np.from_dlpack(t)
    assert a.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(a, np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype))
    assert a.__array_interface__["data"][0] == t.data_ptr()


@pytest.mark.parametrize("dtype", SHARED_DTYPES)
def test_a_tensor_reads_an_array_in_place(dtype):
    a = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    t = tallow.from_dlpack(a)
    assert t.dtype is getattr(tallow, dtype) and tuple(t.shape) == (2, 3)
    assert t.data_ptr() == a.__array_interface__["data"][0]
    a[1, 2] = 0
    assert t[1, 2].item() == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_dtypes_that_numpy_lacks_go_through_a_capsule(dtype, version):
    t = tallow.tensor([1.0, -2.0, 0.5]).to(getattr(tallow, dtype))
    back = tallow.from_dlpack(t.__dlpack__(max_version=version))
    assert back.dtype is t.dtype and back.data_ptr() == t.data_ptr()
    assert back.to(tallow.float32).tolist() == [1.0, -2.0, 0.5]


# ---------------------------------------------------------------- layouts
@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.transpose(0, 2),
        lambda x: x[:, ::2],
        lambda x: x[1, 1:, 2],
        lambda x: x[1:2],
        lambda x: x[0, 0, 0],
        lambda x: x[:0],
        lambda x: x[:1].expand(4, 3, 4),
    ],
    ids=["transposed", "stepped", "offset", "size 1", "0-dim", "empty", "expanded"],
)
def test_strides_and_offsets_survive(view):
    t = view(tallow.arange(24).reshape(2, 3, 4))
    a = np.from_dlpack(t)
    assert a.shape == tuple(t.shape)
    np.testing.assert_array_equal(a, np.array(t.tolist()).reshape(a.shape))
    back = tallow.from_dlpack(a)
    assert back.shape == t.shape and back.tolist() == t.tolist()
    if t.numel():
        assert back.data_ptr() == t.data_ptr()
    for d in range(t.ndim):
        if t.shape[d] > 1 and t.numel():
            assert back.stride(d) == t.stride(d)


def test_arrays_with_strides_are_not_copied():
    a = np.arange(24.0).reshape(2, 3, 4)
    t = tallow.from_dlpack(a.transpose(2, 0, 1)[::2])
    assert tuple(t.shape) == (2, 2, 3) and t.stride() == (2, 12, 4)
    t.zero_()
    assert (a[..., ::2] == 0).all() and (a[..., 1::2] != 0).all()


def test_a_negative_stride_is_refused():
    with pytest.raises(ValueError, match=r"stride -1 of dimension 0 is negative.*copy"):
        tallow.from_dlpack(np.arange(3)[::-1])


# ---------------------------------------------------------------- versions, flags
def test_the_consumer_decides_on_the_version():
    t = tallow.ones(2)
    assert name_of(t.__dlpack__()) == "dltensor"
    assert name_of(t.__dlpack__(max_version=(0, 8))) == "dltensor"
    assert name_of(t.__dlpack__(max_version=(1, 0))) == "dltensor_versioned"
    assert name_of(t.__dlpack__(max_version=(2, 5))) == "dltensor_versioned"


def test_a_producer_from_before_versions_is_asked_again():
    old = Producer(tallow.ones(2), refuses_versions=True)
    assert tallow.from_dlpack(old).tolist() == [1, 1]
    assert [sorted(keywords) for keywords in old.asked] == [["max_version"], []]


def test_what_numpy_makes_of_the_flags():
    t = tallow.ones(2)
    assert np.from_dlpack(t).flags.writeable, "a tensor is not read-only"
    copied = np.from_dlpack(t, copy=True)
    assert copied.__array_interface__["data"][0] != t.data_ptr()
    copied[0] = 5
    assert t.tolist() == [1, 1]


def test_a_read_only_array_is_read_in_place():
    a = np.arange(3.0)
    a.flags.writeable = False
    t = tallow.from_dlpack(a)
    assert t.tolist() == [0, 1, 2] and t.data_ptr() == a.__array_interface__["data"][0]


def test_copy_and_device_reach_the_producer():
    producer = Producer(tallow.ones(2))
    t = tallow.from_dlpack(producer, device="cpu", copy=True)
    assert producer.asked == [{"max_version": (1, 0), "copy": True, "dl_device": (1, 0)}]
    assert t.data_ptr() != producer.tensor.data_ptr()
    assert tallow.from_dlpack(producer, copy=False).data_ptr() == producer.tensor.data_ptr()


# ---------------------------------------------------------------- lifetime
@pytest.mark.parametrize("version", VERSIONS)
def test_the_consumer_keeps_the_tensors_memory(version):
    t = tallow.arange(1000)
    other = tallow.from_dlpack(t.__dlpack__(max_version=version))
    del t
    gc.collect()
    tallow.zeros(1000)  # would take the memory, were it free
    assert other.tolist() == list(range(1000))


def test_an_array_outlives_its_tensor():
    a = np.from_dlpack(tallow.arange(1000))
    gc.collect()
    tallow.zeros(1000)
    np.testing.assert_array_equal(a, np.arange(1000))


def test_the_tensor_keeps_the_array_and_lets_it_go():
    class Watched(np.ndarray):
        pass

    a = np.arange(5.0).view(Watched)
    watch = weakref.ref(a)
    t = tallow.from_dlpack(a)
    view = t[1:]
    del a, t
    gc.collect()
    assert watch() is not None and view.tolist() == [1, 2, 3, 4]
    del view
    gc.collect()
    assert watch() is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_capsule_that_nobody_consumes_lets_its_tensor_go(version):
    t = tallow.ones(3)
    before = tallow._core._use_count(t)
    capsule = t.__dlpack__(max_version=version)
    assert tallow._core._use_count(t) == before + 1
    del capsule
    assert tallow._core._use_count(t) == before
    taken = tallow.from_dlpack(t.__dlpack__(max_version=version))
    assert tallow._core._use_count(t) == before + 1
    del taken
    assert tallow._core._use_count(t) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_a_capsule_is_consumed_once(version):
    capsule = tallow.ones(2).__dlpack__(max_version=version)
    tallow.from_dlpack(capsule)
    assert name_of(capsule).startswith("used_dltensor")
    with pytest.raises(RuntimeError, match="can be consumed only once"):
        tallow.from_dlpack(capsule)


def test_a_refused_capsule_is_not_used_up():
    capsule = np.arange(3)[::-1].__dlpack__()
    with pytest.raises(ValueError):
        tallow.from_dlpack(capsule)
    assert name_of(capsule) == "dltensor"


# ---------------------------------------------------------------- what is refused
def test_devices():
    t = tallow.ones(2)
    assert t.__dlpack_device__() == (1, 0)
    meta = tallow.ones(2, device="meta")
    with pytest.raises(ValueError, match="Unknown device type meta for Dlpack"):
        meta.__dlpack_device__()
    with pytest.raises(BufferError, match="Cannot pack tensors on meta"):
        meta.__dlpack__()
    with pytest.raises(ValueError, match=r"cannot move \(i.e. copy=False\) tensor from cpu to cuda:0"):
        t.__dlpack__(dl_device=(2, 0), copy=False)
    with pytest.raises(BufferError, match="dl_device"):
        t.__dlpack__(dl_device=(8, 0))


def test_streams():
    t = tallow.ones(2)
    assert name_of(t.__dlpack__(stream=-1)) == "dltensor"
    with pytest.raises(AssertionError, match="stream should be None on cpu"):
        t.__dlpack__(stream=1)
    with pytest.raises(TypeError, match="stream must be"):
        t.__dlpack__(stream="1")


@pytest.mark.parametrize("what", [3, [1.0], None])
def test_only_capsules_and_producers_are_read(what):
    with pytest.raises(RuntimeError, match="invalid capsule"):
        tallow.from_dlpack(what)


def test_keywords_need_a_producer():
    with pytest.raises(AssertionError, match="already a DLPack capsule"):
        tallow.from_dlpack(tallow.ones(2).__dlpack__(), copy=True)


def test_dtypes_without_a_counterpart():
    with pytest.raises(BufferError):
        tallow.from_dlpack(np.array(["a"]))


# What no producer at hand hands out is written into a capsule: the byte of the struct, and its value.
@pytest.mark.parametrize(
    "version, at, value, message",
    [
        pytest.param(None, 8, 10, "Unsupported device_type: 10", id="device of another kind"),
        pytest.param(None, 20, 3, "no dtype has DLPack's code 3 with 32 bits and 1 lanes", id="opaque elements"),
        pytest.param(None, 21, 80, "no dtype has DLPack's code 2 with 80 bits", id="long doubles"),
        pytest.param(None, 22, 4, "32 bits and 4 lanes", id="vectors as elements"),
        pytest.param(None, 16, 65, "at most 64 dimensions, got 65", id="too many dimensions"),
        pytest.param((1, 0), 0, 2, "the capsule is of DLPack 2.1, at most major version 1", id="a later major version"),
    ],
)
def test_structs_that_cannot_be_read(version, at, value, message):
    capsule = tallow.ones(2).__dlpack__(max_version=version)
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    struct = get_pointer(capsule, name_of(capsule).encode())
    ctypes.c_uint8.from_address(struct + at).value = value
    with pytest.raises(BufferError, match=message):
        tallow.from_dlpack(capsule)
    assert not name_of(capsule).startswith("used")


def test_versioned_capsules_say_whether_they_are_copies():
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    for copy, flags in (None, 0), (False, 0), (True, 2):
        capsule = tallow.ones(2).__dlpack__(max_version=(1, 0), copy=copy)
        assert ctypes.c_uint64.from_address(get_pointer(capsule, b"dltensor_versioned") + 24).value == flags


def test_dlpack_under_its_older_name():
    t = tallow.zeros(2)
    tallow.utils.dlpack.from_dlpack(tallow.utils.dlpack.to_dlpack(t)).add_(1)
    assert t.tolist() == [1, 1]
