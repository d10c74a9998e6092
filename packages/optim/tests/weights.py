"""Parameters for tests that have no autograd: tensors whose gradient is a plain attribute."""

import tallow


class Weight(tallow.Tensor):
    """A tensor whose ``grad`` can be set without tallow-autograd."""

    grad = None


def weight(values, grad=None, dtype=tallow.float64):
    w = Weight(tallow.tensor(values, dtype=dtype))
    w.grad = None if grad is None else tallow.tensor(grad, dtype=dtype)
    return w
