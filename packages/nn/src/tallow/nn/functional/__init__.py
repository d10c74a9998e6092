"""The functional forms: the same computations as the modules, with parameters as arguments.

>>> import tallow
>>> import tallow.nn.functional as F
>>> F.relu(tallow.tensor([-1.0, 1.0])).tolist()
[0.0, 1.0]
"""

from ._reduction import legacy_reduction
from .activation import gelu, log_softmax, relu, relu_, sigmoid, softmax, tanh
from .attention import scaled_dot_product_attention
from .conv import conv2d
from .dropout import dropout
from .linear import linear
from .loss import cross_entropy, mse_loss, nll_loss
from .norm import batch_norm, layer_norm, normalize
from .pad import pad
from .pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d, max_pool2d_with_indices
from .sparse import embedding

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "layer_norm",
    "legacy_reduction",
    "linear",
    "log_softmax",
    "max_pool2d",
    "max_pool2d_with_indices",
    "mse_loss",
    "nll_loss",
    "normalize",
    "pad",
    "relu",
    "relu_",
    "scaled_dot_product_attention",
    "sigmoid",
    "softmax",
    "tanh",
]
