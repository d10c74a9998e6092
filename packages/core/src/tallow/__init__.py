"""Tensors, the op registry and what hangs on them.

Functions and methods come from the registry: every op that a loaded library registered is an attribute of this module
(and of ``Tensor``, where it is a method). Sub-packages and NumPy load on first use.

    >>> import tallow
    >>> a = tallow.tensor([1.0, 2.0])
    >>> a + 1
    tensor([2., 3.])
"""

from __future__ import annotations

import importlib as _importlib
import os as _os
import pkgutil as _pkgutil
import sys as _sys
from typing import Any as _Any

__path__ = _pkgutil.extend_path(__path__, __name__)

from tallow import _core  # noqa: E402
from tallow._core import (  # noqa: E402, F401
    Generator,
    Size,
    Tensor,
    bfloat16,
    bool,
    channels_last,
    channels_last_3d,
    complex64,
    complex128,
    contiguous_format,
    default_generator,
    device,
    dtype,
    float8_e4m3fn,
    float8_e5m2,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    is_grad_enabled,
    is_inference_mode_enabled,
    memory_format,
    preserve_format,
    sparse_coo,
    strided,
    uint8,
    uint16,
    uint32,
    uint64,
)

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
layout = memory_format

__version__ = _core.core_version


class OutOfMemoryError(RuntimeError):
    """Memory for a tensor could not be had."""


class _LinAlgError(RuntimeError):
    """A matrix does not have what an operation of ``tallow.linalg`` needs (it is singular, does not converge ...)."""


_core._init(_sys.modules[__name__])

from math import e, inf, nan, pi  # noqa: E402, F401

from tallow import _ops as ops  # noqa: E402
from tallow._grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402, F401
from tallow._tensor import _as_index, _as_value, _packet, _result_type, _tensor_new, _tensor_repr  # noqa: E402, F401

newaxis = None
_sys.modules["tallow.ops"] = ops

# Every public op of the core, as a function and as a method.
ops._install(globals(), Tensor)

from tallow import _creation, _functional, _tensor  # noqa: E402, F401
from tallow._creation import *  # noqa: E402, F403
from tallow._functional import *  # noqa: E402, F403

_tensor.install(Tensor)
Tensor.to_sparse_csr = _tensor._sparse_tensor.to_sparse_csr  # type: ignore[method-assign, attr-defined]


def _point_to_blas() -> None:
    """Names the folder of OpenBLAS, which opens on first use: next to an editable install it would not be found."""
    for place in _sys.path:
        folder = _os.path.join(place, "scipy_openblas32", "lib")
        if _os.path.isdir(folder):
            ops.Namespace("runtime").set_blas_path(folder)
            return


_point_to_blas()

# Ops whose name is a module's or a builtin dtype's would hide it: the registry never wins over these.
_LAZY = {
    "autograd": "tallow-autograd",
    "func": "tallow-autograd",
    "nn": "tallow-nn",
    "optim": "tallow-optim",
    "data": "tallow-data",
    "distributed": "tallow-distributed",
    "profiler": None,
    "quantization": "tallow-quantization",
    "onnx": "tallow-onnx-export",
    "script": "tallow-script",
    "jit": "tallow-script",
    "accelerator": None,
    "amp": None,
    "as_torch": None,
    "backends": None,
    "cpu": None,
    "cuda": None,
    "distributions": None,
    "linalg": None,
    "mps": None,
    "xpu": None,
    "sparse": None,
    "special": None,
    "storage": None,
    "fft": None,
    "signal": None,
    "random": None,
    "multiprocessing": None,
    "utils": None,
    "serialization": None,
    "testing": None,
    "types": None,
}
_SETTINGS = (
    "are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "get_num_interop_threads", "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled", "set_default_device", "set_default_tensor_type", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads", "set_warn_always", "typename",
    "use_deterministic_algorithms",
)  # fmt: skip
_TENSOR_TYPES = (
    "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "IntTensor", "LongTensor", "ShortTensor",
    "CharTensor", "ByteTensor", "BoolTensor",
)  # fmt: skip
_SPECTRAL = (
    "bartlett_window", "blackman_window", "hamming_window", "hann_window", "istft", "kaiser_window", "stft",
)  # fmt: skip
_AUTOCAST = (
    "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "get_autocast_cpu_dtype",
    "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
    "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
    "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype",
)  # fmt: skip
_ATTRIBUTES = {
    "save": "tallow.serialization",
    "load": "tallow.serialization",
    "set_printoptions": "tallow._tensor_str",
    "compile": "tallow._compile",
    "sparse_coo_tensor": "tallow.sparse",
    "einsum": "tallow._products",
    "tensordot": "tallow._products",
    "chain_matmul": "tallow._products",
    **dict.fromkeys(_SPECTRAL, "tallow._spectral"),
    **dict.fromkeys(("lobpcg", "lu", "pca_lowrank", "svd_lowrank"), "tallow._lowrank"),
    "autocast": "tallow.amp",
    "GradScaler": "tallow.amp",
    "is_anomaly_check_nan_enabled": "tallow.autograd.anomaly_mode",
    "is_anomaly_enabled": "tallow.autograd.anomaly_mode",
    **dict.fromkeys(_AUTOCAST, "tallow.amp._state"),
    **dict.fromkeys(_SETTINGS, "tallow._settings"),
    **dict.fromkeys(_TENSOR_TYPES, "tallow._tensor_types"),
}
# Functions that the module has as soon as tallow-nn is there: tallow.conv2d is tallow.nn.functional.conv2d.
_NN_FUNCTIONS = frozenset(
    """adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout avg_pool1d bilinear celu celu_ channel_shuffle
    constant_pad_nd conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d
    cosine_similarity dropout feature_alpha_dropout group_norm layer_norm max_pool1d max_pool1d_with_indices
    max_pool2d max_pool3d native_channel_shuffle pairwise_distance pdist pixel_shuffle pixel_unshuffle prelu
    rms_norm rrelu rrelu_ selu selu_""".split()
)


def __getattr__(name: str) -> _Any:
    if name in _ATTRIBUTES:
        try:
            value = getattr(_importlib.import_module(_ATTRIBUTES[name]), name)
        except ModuleNotFoundError as error:
            package = _LAZY.get((error.name or "").removeprefix("tallow."))
            if package is None:
                raise
            raise AttributeError(f"tallow.{name} is not installed: pip install {package}") from None
        globals()[name] = value
        return value
    if name in _NN_FUNCTIONS:
        value = globals()[name] = getattr(__getattr__("nn").functional, name)
        return value
    if name in _LAZY:
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            package = _LAZY[name]
            if package:
                raise AttributeError(f"tallow.{name} is not installed: pip install {package}") from None
    raise AttributeError(f"module 'tallow' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_ATTRIBUTES, *_NN_FUNCTIONS})


def get_include() -> str:
    """The folder with the headers of the C ABI, ``tallow/abi.h`` and ``tallow/tallow.hpp``.

    >>> import os, tallow
    >>> os.path.exists(os.path.join(tallow.get_include(), "tallow", "abi.h"))
    True
    """
    return _os.path.join(_os.path.dirname(_core.__file__), "include")


def get_cmake_dir() -> str:
    """The folder with ``tallow-config.cmake``, for ``find_package(tallow)``."""
    return _os.path.join(_os.path.dirname(_core.__file__), "lib", "cmake", "tallow")
