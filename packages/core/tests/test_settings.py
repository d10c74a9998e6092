"""cuda, backends, amp, settings of the process and the older tensor types: what programs ask before they begin."""

import warnings

import pytest

import tallow
from tallow import amp, backends, cuda

# ---- cuda and backends --------------------------------------------------------------------------------------------


def test_questions_about_cuda_have_answers():
    assert not cuda.is_available() and cuda.device_count() == 0 and not cuda.is_initialized()
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == cuda.memory_reserved() == 0
    assert cuda.get_rng_state_all() == [] and cuda.get_arch_list() == []
    cuda.manual_seed(1)
    cuda.manual_seed_all(1)
    cuda.empty_cache()
    with cuda.stream(None), cuda.device(-1):
        pass


@pytest.mark.parametrize(
    "request_",
    [
        cuda.current_device,
        cuda.synchronize,
        cuda.get_device_name,
        cuda.Stream,
        lambda: cuda.set_device(0),
        lambda: cuda.device(0),
        lambda: tallow.ones(1).cuda(),
    ],
)
def test_requests_to_cuda_are_errors(request_):
    with pytest.raises(AssertionError, match="not compiled with CUDA enabled"):
        request_()


def test_other_devices():
    from tallow import accelerator, mps, xpu

    assert not accelerator.is_available() and accelerator.current_accelerator() is None
    assert not mps.is_available() and not xpu.is_available() and xpu.device_count() == 0
    for request_ in (accelerator.synchronize, accelerator.current_device_index, tallow.ones(1).pin_memory):
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
            request_()


def test_backends():
    assert not backends.cudnn.is_available() and backends.cudnn.version() is None
    assert not backends.mps.is_available() and not backends.cuda.is_built() and backends.openmp.is_available()
    backends.cuda.matmul.allow_tf32 = True
    backends.cuda.matmul.allow_tf32 = False
    with backends.cudnn.flags(enabled=False, deterministic=True):
        assert not backends.cudnn.enabled and backends.cudnn.deterministic
    assert backends.cudnn.enabled and not backends.cudnn.deterministic
    with pytest.raises(TypeError, match="unexpected keyword argument 'fast'"), backends.cudnn.flags(fast=True):
        pass


# ---- settings -----------------------------------------------------------------------------------------------------


def test_deterministic():
    tallow.use_deterministic_algorithms(True, warn_only=True)
    assert tallow.is_deterministic_algorithms_warn_only_enabled() and tallow.get_deterministic_debug_mode() == 1
    tallow.set_deterministic_debug_mode("error")
    assert tallow.are_deterministic_algorithms_enabled()
    tallow.set_deterministic_debug_mode(0)
    assert not tallow.are_deterministic_algorithms_enabled()
    with pytest.raises(RuntimeError, match="expected debug_mode to be 0, 1, 2"):
        tallow.set_deterministic_debug_mode("loud")


def test_precision_threads_and_device():
    assert tallow.get_float32_matmul_precision() == "highest"
    tallow.set_float32_matmul_precision("high")
    assert tallow.get_float32_matmul_precision() == "high"
    tallow.set_float32_matmul_precision("highest")
    with pytest.raises(RuntimeError, match="got 'low'"):
        tallow.set_float32_matmul_precision("low")
    tallow.set_num_interop_threads(2)
    assert tallow.get_num_interop_threads() == 2
    with pytest.raises(RuntimeError, match="positive"):
        tallow.set_num_interop_threads(0)
    tallow.set_default_device("cpu")
    assert tallow.get_default_device() == tallow.device("cpu")
    with pytest.raises(RuntimeError, match="expected the CPU, got 'meta'"):
        tallow.set_default_device("meta")


def test_default_tensor_type():
    try:
        tallow.set_default_tensor_type(tallow.DoubleTensor)
        assert tallow.ones(1).dtype == tallow.float64
        tallow.set_default_tensor_type("tallow.FloatTensor")
        assert tallow.ones(1).dtype == tallow.float32
    finally:
        tallow.set_default_dtype(tallow.float32)
    with pytest.raises(TypeError, match="invalid type object"):
        tallow.set_default_tensor_type("float32")


# ---- tensor types -------------------------------------------------------------------------------------------------


def test_tensor_types():
    assert tallow.LongTensor([1, 2]).dtype == tallow.int64 and tallow.LongTensor([1.5]).tolist() == [1]
    assert tallow.FloatTensor(2, 3).shape == (2, 3) and tallow.FloatTensor().shape == (0,)
    assert tallow.FloatTensor(tallow.Size([4])).shape == (4,)
    assert tallow.FloatTensor([[1, 2], [3, 4]]).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert tallow.ones(2).type(tallow.LongTensor).dtype == tallow.int64
    assert isinstance(tallow.ones(2), tallow.FloatTensor) and not isinstance([], tallow.FloatTensor)
    with pytest.raises(TypeError, match="expected a tensor of tallow.float32, got one of tallow.int64"):
        tallow.FloatTensor(tallow.ones(2, dtype=tallow.int64))
    with pytest.raises(TypeError, match="expected sizes or a sequence of data, got float"):
        tallow.FloatTensor(1.5)
    assert tallow.ones(1).get_device() == -1


def test_small_methods():
    assert tallow.tensor([0.5]).is_nonzero() and not tallow.tensor(0).is_nonzero()
    assert tallow.ones(2, dtype=tallow.int64).new([1.0, 2.0]).dtype == tallow.int64
    assert tallow.ones(1).new(2, 3).shape == (2, 3)
    z = tallow.tensor([1 + 2j])
    assert z.real.tolist() == [1.0] and z.imag.tolist() == [2.0] and z.real._storage_id() == z._storage_id()
    with pytest.raises(RuntimeError, match="non-complex"):
        tallow.ones(1).imag  # noqa: B018


# ---- amp ----------------------------------------------------------------------------------------------------------


def test_without_a_gpu_amp_does_nothing_and_says_so():
    with pytest.warns(UserWarning, match="Disabling autocast"), tallow.autocast("cuda"):
        assert (tallow.ones(2, 2) @ tallow.ones(2, 2)).dtype == tallow.float32
    with pytest.warns(UserWarning, match="CUDA is not available"):
        scaler = cuda.amp.GradScaler()
    x = tallow.ones(2)
    assert not scaler.is_enabled() and scaler.scale(x) is x and scaler.get_scale() == 1.0 and scaler.state_dict() == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cuda.amp.autocast(enabled=False)


class Descent:
    """As much of an optimizer as a scaler needs."""

    def __init__(self, value, grad):
        self.p = tallow.tensor(value)
        self.grad = tallow.tensor(grad)
        self.param_groups = [{"params": [self]}]

    def step(self):
        self.p -= self.grad
        return "stepped"


def test_scaler():
    scaler = amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    assert [t.tolist() for t in scaler.scale([tallow.ones(1), tallow.ones(2)])] == [[4.0], [4.0, 4.0]]
    good = Descent([1.0], [2.0])
    assert scaler.step(good) == "stepped" and good.p.tolist() == [0.5]
    scaler.update()
    bad = Descent([1.0], [float("inf")])
    assert scaler.step(bad) is None and bad.p.tolist() == [1.0]
    scaler.update()
    assert scaler.get_scale() == 2.0
    for _ in range(2):
        scaler.unscale_(good)
        with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called"):
            scaler.unscale_(good)
        scaler.step(good)
        scaler.update()
    assert scaler.get_scale() == 4.0
    other = amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 4.0
    with pytest.raises(AssertionError, match="No inf checks"):
        other.update()
    with pytest.raises(RuntimeError, match="source state dict is empty"):
        other.load_state_dict({})


def test_scaler_is_called_in_order():
    scaler = amp.GradScaler("cpu", init_scale=2.0)
    once = Descent([1.0], [2.0])
    scaler.step(once)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called since the last update"):
        scaler.step(once)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) is being called after step"):
        scaler.unscale_(once)
    scaler.update()
    half = Descent([1.0], [2.0])
    half.grad = half.grad.half()
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        scaler.step(half)
    with pytest.raises(RuntimeError, match="Closure use"):
        scaler.step(once, closure=lambda: None)
    assert [t.item() for t in scaler.scale(x for x in tallow.ones(2))] == [2.0, 2.0]
    with pytest.raises(ValueError, match="outputs must be a Tensor or an iterable of Tensors, got int"):
        scaler.scale(1)
    for name in ("growth_factor", "backoff_factor", "growth_interval"):
        getattr(scaler, f"set_{name}")(7)
        assert getattr(scaler, f"get_{name}")() == 7
    with pytest.raises(AssertionError, match="growth factor must be > 1.0"):
        amp.GradScaler("cpu", growth_factor=1.0)
