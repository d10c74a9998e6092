"""The grad modes, which core owns: autograd records where they allow it."""

from tallow import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]
