"""What programs for torch reach for beside tensors: sizes, storages, compile, pytrees, timers, versions."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import tallow
from tallow import _compile, backends, multiprocessing, storage
from tallow.as_torch.torch_version import TorchVersion
from tallow.utils import _pytree, benchmark, dlpack


def test_parts_of_a_size_are_sizes():
    size = tallow.ones(2, 3, 4).shape
    for part in (size[1:], size + (1,), (1,) + size, size * 2, 2 * size, size[::-1], copy.copy(size)):  # noqa: RUF005
        assert type(part) is tallow.Size
    assert repr(size[:2] + (5,)) == "tallow.Size([2, 3, 5])"  # noqa: RUF005
    assert size[-1] == 4 and size == (2, 3, 4) and pickle.loads(pickle.dumps(size)) == size
    with pytest.raises(TypeError, match="can only concatenate tuple"):
        size + [1]  # noqa: RUF005


def test_the_cpu_is_a_context():
    with tallow.device("cpu") as device:
        assert tallow.ones(1).device == device
    with pytest.raises(NotImplementedError, match="tensors are made on the CPU unless a device is named"):
        tallow.device("meta").__enter__()


def test_results_with_names_are_printed_as_torch_prints_them():
    assert repr(tallow.tensor([1.0, 3.0]).max(0)) == (
        "tallow.return_types.max(\nvalues=tensor(3.),\nindices=tensor(1))"
    )


def test_functions_of_numpy_return_tensors():
    x = tallow.tensor([1.0, 4.0])
    assert isinstance(np.sqrt(x), tallow.Tensor) and np.sqrt(x).tolist() == [1.0, 2.0]
    assert (np.greater(x, 2)).tolist() == [False, True]


def test_storages():
    x = tallow.arange(6.0).reshape(2, 3)
    row = x[1]
    assert row.untyped_storage() == x.untyped_storage() and row.storage().data_ptr() == x.data_ptr() != row.data_ptr()
    assert x.untyped_storage().nbytes() == len(x.untyped_storage()) == 24 and row.storage().size() == 6
    assert row.storage().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] and row.storage()[1] == 1.0
    assert x.untyped_storage().tolist() == list(x.numpy().tobytes()) and x.storage().untyped().element_size() == 1
    assert x.clone().untyped_storage() != x.untyped_storage()
    empty = tallow.empty(0).storage()
    assert empty.tolist() == [] and len(empty) == 0 and isinstance(empty, storage.TypedStorage)
    assert not x.untyped_storage().is_cuda and x.storage().device.type == "cpu"


def test_compile_returns_the_function_and_says_so_once(monkeypatch):
    monkeypatch.setattr(_compile, "_noted", False)

    def double(x):
        return 2 * x

    with pytest.warns(UserWarning, match="no compiler is installed"):
        assert tallow.compile(double, mode="max-autotune", fullgraph=True) is double
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tallow.compile(dynamic=True)(double) is double
    with pytest.raises(TypeError, match="expected a function or a module, got int"):
        tallow.compile(1)
    with pytest.raises(RuntimeError, match="Either mode or options"):
        tallow.compile(double, mode="default", options={})


def test_pytrees():
    tree = {"a": 1, "b": (2, [3, {"c": 4}])}
    leaves, spec = _pytree.tree_flatten(tree)
    assert leaves == [1, 2, 3, 4] and spec.num_leaves == 4 and not spec.is_leaf()
    assert _pytree.tree_unflatten(leaves, spec) == tree and _pytree.tree_structure(tree) == spec
    point = tallow.tensor([1.0, 2.0]).max(0)
    assert type(_pytree.tree_map(lambda x: x + 1, point)) is type(point)
    assert _pytree.tree_map_only(str, len, [1, "abc"]) == [1, 3]
    assert _pytree.tree_any(lambda x: x > 3, tree) and not _pytree.tree_all(lambda x: x > 3, tree)
    assert _pytree.tree_leaves([(1, 2), 3], is_leaf=lambda x: isinstance(x, tuple)) == [(1, 2), 3]
    with pytest.raises(ValueError, match="expected 4 leaves, got 1"):
        _pytree.tree_unflatten([1], spec)


def test_timers():
    threads = tallow.get_num_threads()
    timer = benchmark.Timer("x + x", setup="x = torch.ones(3)", label="add", num_threads=1)
    found = timer.blocked_autorange(min_run_time=0.01)
    assert found.mean > 0 and found.median > 0 and "add" in repr(found) and "Median" in repr(found)
    assert timer.adaptive_autorange(max_run_time=0.02).iqr >= 0 and tallow.get_num_threads() == threads
    once = benchmark.Measurement(2, [4.0], stmt="f()")
    assert once.times == [2.0] and once.iqr == 0.0 and "2.00 s" in repr(once)


def test_capsules_of_dlpack():
    x = tallow.arange(3)
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    y[0] = 7
    assert x.tolist() == [7, 1, 2]


@pytest.mark.parametrize("other", ["2.9", (2, 9), "1.13.1", "2.13"])
def test_versions_compare_as_versions(other):
    version = TorchVersion("2.13.0+tallow")
    assert version >= other and not version < other and (version > other) == (other != "2.13")
    assert TorchVersion("2.12.0") != other and TorchVersion("2.13.0") == "2.13" and isinstance(version, str)
    assert version == "2.13.0+tallow" and hash(version) == hash("2.13.0+tallow")
    with pytest.raises(ValueError, match="invalid version: 'new'"):
        _ = version > "new"


def test_sharing_strategies_are_accepted():
    before = multiprocessing.get_sharing_strategy()
    for name in multiprocessing.get_all_sharing_strategies():
        multiprocessing.set_sharing_strategy(name)
        assert multiprocessing.get_sharing_strategy() == name
    multiprocessing.set_sharing_strategy(before)
    with pytest.raises(AssertionError, match="invalid sharing strategy 'telepathy'"):
        multiprocessing.set_sharing_strategy("telepathy")


def test_switches_of_attention():
    with backends.cuda.sdp_kernel(enable_flash=False, enable_math=True, enable_mem_efficient=False):
        assert not backends.cuda.flash_sdp_enabled() and backends.cuda.math_sdp_enabled()
        assert not backends.cuda.mem_efficient_sdp_enabled() and backends.cuda.cudnn_sdp_enabled()
    for name in ("flash", "math", "mem_efficient", "cudnn"):
        getattr(backends.cuda, f"enable_{name}_sdp")(False)
        assert not getattr(backends.cuda, f"{name}_sdp_enabled")()
        getattr(backends.cuda, f"enable_{name}_sdp")(True)


@pytest.mark.parametrize("options", [{}, {"correction": 0}])
def test_covariances(options):
    x = tallow.randn(3, 7, dtype=tallow.float64)
    expected = np.cov(x.numpy(), ddof=options.get("correction", 1))
    np.testing.assert_allclose(x.cov(**options).numpy(), expected)
    np.testing.assert_allclose(tallow.corrcoef(x).numpy(), np.corrcoef(x.numpy()))
    counts, weights = tallow.tensor([1, 2, 1, 3, 1, 1, 2]), tallow.rand(7, dtype=tallow.float64)
    for chosen in ({"fweights": counts}, {"aweights": weights}, {"fweights": counts, "aweights": weights}):
        expected = np.cov(x.numpy(), ddof=options.get("correction", 1), **{k: v.numpy() for k, v in chosen.items()})
        np.testing.assert_allclose(tallow.cov(x, **options, **chosen).numpy(), expected)
    assert x[0].cov().shape == () and x[0].corrcoef().item() == 1.0
    with pytest.raises(RuntimeError, match="two or fewer dimensions but got an input with 3"):
        tallow.cov(tallow.ones(1, 2, 3))


def test_small_methods():
    x = tallow.arange(6.0).reshape(2, 3)
    assert x.sum_to_size(3).tolist() == [3.0, 5.0, 7.0] and x.sum_to_size((2, 1)).tolist() == [[3.0], [12.0]]
    assert x.sum_to_size(2, 3).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="is not expandable to size"):
        x.sum_to_size(2)
    assert x.clone().map_(x, lambda a, b: a - b).sum() == 0
    assert x.is_signed() and not tallow.is_signed(tallow.ones(1, dtype=tallow.uint8))
    assert tallow.get_device(x) == -1 and not tallow.is_inference(x) and not x.is_mps and not x.is_xpu
