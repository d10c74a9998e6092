"""CUDA's libraries: not in this build. Their switches can be set, as programs do before they know where they run."""

from __future__ import annotations


class _Matmul:
    """Switches of matrix products."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()


def is_built() -> bool:
    """Whether this build could use CUDA."""
    return False
