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
from .distance import cosine_similarity, pairwise_distance, pdist
from .dropout import dropout
from .linear import linear
from .linear_loss import linear_cross_entropy
from .loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    ctc_loss,
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from .margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from .norm import batch_norm, layer_norm, normalize
from .pad import pad
from .pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d, max_pool2d_with_indices
from .sparse import embedding

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "embedding",
    "gaussian_nll_loss",
    "gelu",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "legacy_reduction",
    "linear",
    "linear_cross_entropy",
    "log_softmax",
    "margin_ranking_loss",
    "max_pool2d",
    "max_pool2d_with_indices",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "pad",
    "pairwise_distance",
    "pdist",
    "poisson_nll_loss",
    "relu",
    "relu_",
    "scaled_dot_product_attention",
    "sigmoid",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "tanh",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]
