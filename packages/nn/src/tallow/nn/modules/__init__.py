"""The modules, a file for each family."""

from . import _homes, utils  # noqa: E402, F401, I001  # after what they refer to
from .activation import *  # noqa: F403
from .activation import __all__ as _activation
from .activation_dim import *  # noqa: F403
from .activation_dim import __all__ as _activation_dim
from .adaptive import *  # noqa: F403
from .adaptive import __all__ as _adaptive
from .adaptive_pooling import *  # noqa: F403
from .adaptive_pooling import __all__ as _adaptive_pooling
from .attention import *  # noqa: F403
from .attention import __all__ as _attention
from .batchnorm import *  # noqa: F403
from .batchnorm import __all__ as _batchnorm
from .channelshuffle import *  # noqa: F403
from .channelshuffle import __all__ as _channelshuffle
from .container import *  # noqa: F403
from .container import __all__ as _container
from .conv import *  # noqa: F403
from .conv import __all__ as _conv
from .distance import *  # noqa: F403
from .distance import __all__ as _distance
from .dropout import *  # noqa: F403
from .dropout import __all__ as _dropout
from .flatten import *  # noqa: F403
from .flatten import __all__ as _flatten
from .fold import *  # noqa: F403
from .fold import __all__ as _fold
from .instancenorm import *  # noqa: F403
from .instancenorm import __all__ as _instancenorm
from .lazy_layers import *  # noqa: F403
from .lazy_layers import __all__ as _lazy_layers
from .lazy_norm import *  # noqa: F403
from .lazy_norm import __all__ as _lazy_norm
from .linear import *  # noqa: F403
from .linear import __all__ as _linear
from .linear_loss import *  # noqa: F403
from .linear_loss import __all__ as _linear_loss
from .loss import *  # noqa: F403
from .loss import __all__ as _loss
from .margin import *  # noqa: F403
from .margin import __all__ as _margin
from .module import Module
from .normalization import *  # noqa: F403
from .normalization import __all__ as _normalization
from .padding import *  # noqa: F403
from .padding import __all__ as _padding
from .parameter_container import *  # noqa: F403
from .parameter_container import __all__ as _parameter_container
from .pixelshuffle import *  # noqa: F403
from .pixelshuffle import __all__ as _pixelshuffle
from .pooling import *  # noqa: F403
from .pooling import __all__ as _pooling
from .rnn import *  # noqa: F403
from .rnn import __all__ as _rnn
from .sparse import *  # noqa: F403
from .sparse import __all__ as _sparse
from .transformer import *  # noqa: F403
from .transformer import __all__ as _transformer
from .upsampling import *  # noqa: F403
from .upsampling import __all__ as _upsampling

__all__ = [
    "Module",
    *_activation,
    *_activation_dim,
    *_adaptive,
    *_adaptive_pooling,
    *_attention,
    *_batchnorm,
    *_channelshuffle,
    *_container,
    *_conv,
    *_distance,
    *_dropout,
    *_flatten,
    *_fold,
    *_instancenorm,
    *_lazy_layers,
    *_lazy_norm,
    *_linear,
    *_linear_loss,
    *_loss,
    *_margin,
    *_normalization,
    *_padding,
    *_parameter_container,
    *_pixelshuffle,
    *_pooling,
    *_rnn,
    *_sparse,
    *_transformer,
    *_upsampling,
]
