"""``autocast`` on the CPU: which dtype an op chooses, and how blocks nest."""

import threading
import warnings

import pytest

import tallow
from tallow import amp, cpu

LOWER = (tallow.bfloat16, tallow.float16)


def ones(*shape, dtype=tallow.float32):
    return tallow.ones(*shape, dtype=dtype)


PRODUCTS = {
    "mm": lambda a: tallow.mm(a, a),
    "matmul": lambda a: a @ a,
    "bmm": lambda a: tallow.bmm(a[None], a[None]),
    "addmm": lambda a: tallow.addmm(a, a, a),
    "addbmm": lambda a: tallow.addbmm(a, a[None], a[None]),
    "baddbmm": lambda a: tallow.baddbmm(a[None], a[None], a[None]),
    "vecdot": lambda a: tallow.linalg.vecdot(a, a),
    "einsum": lambda a: tallow.einsum("ij,jk->ik", a, a),
    "inner": lambda a: tallow.inner(a, a),
    "multi_dot": lambda a: tallow.linalg.multi_dot([a, a, a]),
}
WIDE = {
    "prod": lambda a: a.prod(),
    "prod.dim": lambda a: a.prod(1),
    "trace": lambda a: a.trace(),
    "cdist": lambda a: tallow.cdist(a, a),
    "quantile": lambda a: a.quantile(0.5),
}
AS_THEY_COME = {
    "add": lambda a: a + a,
    "mv": lambda a: tallow.mv(a, a[0]),
    "dot": lambda a: tallow.dot(a[0], a[0]),
    "sum": lambda a: a.sum(),
    "softmax": lambda a: a.softmax(-1),
    "exp": lambda a: a.exp(),
}


@pytest.mark.parametrize("dtype", LOWER)
@pytest.mark.parametrize("given", [tallow.float32, *LOWER])
def test_dtypes_of_results(dtype, given):
    a = ones(2, 2, dtype=given)
    with tallow.autocast("cpu", dtype=dtype):
        for name, op in PRODUCTS.items():
            assert op(a).dtype == dtype, name
        for name, op in WIDE.items():
            assert op(a).dtype == tallow.float32, name
        for name, op in AS_THEY_COME.items():
            assert op(a).dtype == given, name
        assert tallow.cat([ones(1, 2), a]).dtype == tallow.float32
        assert tallow.index_copy(ones(2, 2), 0, tallow.tensor([0]), a[:1]).dtype == tallow.float32


def test_float64_and_integers_take_no_part():
    with tallow.autocast("cpu"):
        for dtype in (tallow.float64, tallow.int64, tallow.complex64):
            assert (ones(2, 2, dtype=dtype) @ ones(2, 2, dtype=dtype)).dtype == dtype
        assert ones(2, dtype=tallow.float64).prod().dtype == tallow.float64


def test_forms_that_write_keep_their_dtype():
    a = ones(2, 2)
    out = tallow.empty(2, 2)
    with tallow.autocast("cpu"):
        assert a.clone().addmm_(a, a).dtype == tallow.float32
        tallow.mm(a, a, out=out)
    assert out.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_blocks_nest_and_end():
    a = ones(2, 2)
    with tallow.autocast("cpu"):
        with tallow.autocast("cpu", enabled=False):
            assert (a @ a).dtype == tallow.float32
            with tallow.autocast("cpu", dtype=tallow.float16):
                assert (a @ a).dtype == tallow.float16
        assert (a @ a).dtype == tallow.bfloat16
        with pytest.raises(ZeroDivisionError), tallow.autocast("cpu", dtype=tallow.float16):
            raise ZeroDivisionError
        assert tallow.get_autocast_dtype("cpu") == tallow.bfloat16
    assert (a @ a).dtype == tallow.float32 and not tallow.is_autocast_enabled("cpu")
    block = tallow.autocast("cpu")
    with block, block:
        pass
    assert not tallow.is_autocast_cpu_enabled()


def test_as_a_decorator():
    @tallow.autocast("cpu")
    def product(a):
        """doc"""
        return a @ a

    assert product(ones(2, 2)).dtype == tallow.bfloat16 and product.__doc__ == "doc"
    with pytest.raises(TypeError, match="requires a callable, but got Tensor"):
        tallow.autocast("cpu")(ones(1))


def test_a_thread_has_its_own():
    seen = []
    with tallow.autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((ones(2, 2) @ ones(2, 2)).dtype))
        thread.start()
        thread.join()
    assert seen == [tallow.float32]


def test_settings():
    assert tallow.get_autocast_dtype("cpu") == tallow.bfloat16 and tallow.get_autocast_gpu_dtype() == tallow.float16
    tallow.set_autocast_dtype("cpu", tallow.float16)
    try:
        with tallow.autocast("cpu"):
            assert (ones(2, 2) @ ones(2, 2)).dtype == tallow.float16
    finally:
        tallow.set_autocast_cpu_dtype(tallow.bfloat16)
    tallow.set_autocast_enabled("cpu", True)
    try:
        assert (ones(2, 2) @ ones(2, 2)).dtype == tallow.bfloat16
    finally:
        tallow.set_autocast_cpu_enabled(False)
    assert tallow.autocast_increment_nesting() == 1 and tallow.autocast_decrement_nesting() == 0
    with tallow.autocast("cpu", cache_enabled=False):
        assert not tallow.is_autocast_cache_enabled()
    assert tallow.is_autocast_cache_enabled()
    with cpu.amp.autocast(dtype=tallow.float16):
        assert (ones(2, 2) @ ones(2, 2)).dtype == tallow.float16


def test_errors():
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`, got: `<class 'int'>`"):
        tallow.autocast(1)
    with pytest.raises(RuntimeError, match="unsupported autocast device_type 'meta'"):
        tallow.autocast("meta")
    with pytest.raises(TypeError, match="argument 'device_type' must be str, not int"):
        tallow.get_autocast_dtype(1)
    with pytest.raises(RuntimeError, match="the type of device is 'cpu' or 'cuda', not 'meta'"):
        tallow.get_autocast_dtype("meta")
    with pytest.warns(UserWarning, match="target dtype is not supported"), tallow.autocast("cpu", dtype=tallow.float64):
        assert (ones(2, 2) @ ones(2, 2)).dtype == tallow.float32


def test_custom_functions_cast_what_they_are_given():
    class Context:
        pass

    @amp.custom_fwd(device_type="cpu", cast_inputs=tallow.float32)
    def forward(ctx, x, rest):
        return x @ x, rest, tallow.is_autocast_enabled("cpu")

    @amp.custom_bwd(device_type="cpu")
    def backward(ctx, grad):
        return grad @ grad

    ctx, x = Context(), ones(2, 2, dtype=tallow.bfloat16)
    with tallow.autocast("cpu"):
        y, rest, inside = forward(ctx, x, [x, "text", {"a": x}])
    assert y.dtype == tallow.float32 and not inside and rest[0].dtype == rest[2]["a"].dtype == tallow.float32
    assert rest[1] == "text" and backward(ctx, ones(2, 2)).dtype == tallow.float32
    assert forward(ctx, x, 0)[0].dtype == tallow.bfloat16

    @amp.custom_fwd(device_type="cpu")
    def plain(ctx, x):
        return x @ x

    with tallow.autocast("cpu"):
        assert plain(ctx, ones(2, 2)).dtype == tallow.bfloat16
    assert backward(ctx, ones(2, 2)).dtype == tallow.bfloat16  # as forward ran
    with pytest.raises(ValueError, match="`device_type`"):
        amp.custom_fwd(plain, device_type=tallow.device("cpu"))


def test_nothing_is_warned_of_on_the_cpu():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tallow.autocast(device_type="cpu", dtype=tallow.bfloat16), tallow.amp.autocast("cuda", enabled=False):
            assert (ones(2, 2) @ ones(2, 2)).dtype == tallow.bfloat16


def test_functions_for_a_gpu_run_as_they_are_without_one():
    from tallow.cuda.amp import custom_bwd, custom_fwd

    class Context:
        pass

    @custom_fwd(cast_inputs=tallow.float32)
    def forward(ctx, x):
        return x * 2

    @custom_bwd
    def backward(ctx, grad):
        return grad * 2

    ctx = Context()
    assert forward(ctx, tallow.ones(1, dtype=tallow.float16)).dtype == tallow.float16
    assert backward(ctx, tallow.ones(1)).item() == 2
