"""What the machine and this build offer, as ``torch.backends``."""

from __future__ import annotations

from tallow.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
