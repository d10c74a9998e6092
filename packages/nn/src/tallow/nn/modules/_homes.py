"""The files in which torch has what has a file of its own here.

Programs import classes from there (``from torch.nn.modules.activation import MultiheadAttention``), and bases too whose
names begin with an underscore (``isinstance(module, nn.modules.pooling._AdaptiveAvgPoolNd)``).
"""

from __future__ import annotations

import inspect
from types import ModuleType

from . import (
    _conv_base,
    _state_dict,
    activation,
    activation_dim,
    adaptive_pooling,
    attention,
    batchnorm,
    container,
    conv,
    instancenorm,
    lazy_layers,
    lazy_norm,
    linear,
    linear_loss,
    loss,
    margin,
    module,
    parameter_container,
    pooling,
)

_PARTS_OF = {
    activation: (activation_dim, attention),
    batchnorm: (lazy_norm,),
    container: (parameter_container,),
    conv: (_conv_base, lazy_layers),
    instancenorm: (lazy_norm,),
    linear: (lazy_layers,),
    loss: (linear_loss, margin),
    module: (_state_dict,),
    pooling: (adaptive_pooling,),
}


def _classes(part: ModuleType) -> dict[str, type]:
    return {name: c for name, c in vars(part).items() if inspect.isclass(c) and c.__module__ == part.__name__}


for _home, _parts in _PARTS_OF.items():
    for _part in _parts:
        for _name, _class in _classes(_part).items():
            setattr(_home, _name, _class)
