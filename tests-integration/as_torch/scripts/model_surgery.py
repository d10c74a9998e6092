"""What is done to models beside training: hooks, freezing, pruning, parametrizations, weights moved and renamed."""
import copy
import io
import pickle
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.parametrize as parametrize
import torch.nn.utils.prune as prune
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm
from torch.profiler import profile, record_function
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)


class Residual(nn.Module):
    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(x + self.bn1(self.conv1(x)))


class Net(nn.Module):
    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.layers = nn.ModuleList([Residual(8) for _ in range(3)])
        self.head = nn.Linear(8, classes)
        self.register_buffer('mean', torch.tensor(0.5))

    def forward(self, x, recompute=False):
        x = self.stem(x - self.mean)
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False) if recompute else layer(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


model, x = Net(), torch.randn(2, 1, 8, 8)
print(model)
print('parameters:', sum(p.numel() for p in model.parameters() if p.requires_grad))

# what flows through it
features, gradients = OrderedDict(), {}
handles = [m.register_forward_hook(lambda m, i, o, n=n: features.__setitem__(n, tuple(o.shape)))
           for n, m in model.named_modules() if not list(m.children())]
handles.append(model.head.register_full_backward_hook(lambda m, gi, go: gradients.update(head=tuple(gi[0].shape))))
model.stem.weight.register_hook(lambda g: gradients.update(stem=tuple(g.shape)))
model(x).logsumexp(1).sum().backward()
for handle in handles:
    handle.remove()
print(len(features), features['layers.0.conv1'], features['head'], gradients)

# the same with recomputation
expected = [p.grad.clone() for p in model.parameters()]
model.eval()
model.zero_grad()
again = copy.deepcopy(model)
model(x).sum().backward()
again(x, recompute=True).sum().backward()
print('recomputed:', all(torch.allclose(a.grad, b.grad) for a, b in zip(model.parameters(), again.parameters())))

# frozen layers, a new head, groups of parameters
for name, p in model.named_parameters():
    p.requires_grad = not name.startswith(('stem', 'layers.0'))
model.head = nn.Linear(model.head.in_features, 10)
rest = [p for n, p in model.named_parameters() if p.requires_grad and 'head' not in n]
optimizer = torch.optim.SGD([{'params': model.head.parameters(), 'lr': 0.1}, {'params': rest}], lr=0.01, momentum=0.9)
before = copy.deepcopy(model.state_dict())
F.cross_entropy(model(x), torch.tensor([1, 2])).backward()
optimizer.step()
changed = [k for k, v in model.state_dict().items() if not torch.equal(v, before[k])]
print('changed:', changed)

# weights of another model under other names
old = OrderedDict(('module.' + k.replace('layers', 'blocks'), v) for k, v in Net(10).state_dict().items())
new = {k.replace('module.', '').replace('blocks', 'layers'): v for k, v in old.items()}
new['head.weight'] = torch.zeros(5, 8)
del new['mean']
try:
    model.load_state_dict(new)
except RuntimeError as e:
    print(str(e))
own = model.state_dict()
print(model.load_state_dict({k: v for k, v in new.items() if k in own and v.shape == own[k].shape}, strict=False))

# pickles and bytes
buffer = io.BytesIO()
torch.save(model.state_dict(), buffer)
buffer.seek(0)
loaded = torch.load(buffer, map_location='cpu', weights_only=True)
print(type(loaded).__name__, all(torch.equal(v, loaded[k]) for k, v in model.state_dict().items()))
clone = pickle.loads(pickle.dumps(model))
print('pickled:', torch.equal(clone(x), model(x)))

# pruning
for layer in model.layers:
    prune.l1_unstructured(layer.conv1, name='weight', amount=0.5)
print(sorted(n for n, _ in model.layers[0].conv1.named_buffers()), prune.is_pruned(model))
prune.ln_structured(model.head, name='weight', amount=2, n=2, dim=0)
for layer in model.layers:
    prune.remove(layer.conv1, 'weight')
zeros = sum(int((m.conv1.weight == 0).sum()) for m in model.layers)
print('zeros: %.2f' % (zeros / (3 * 576)), int((model.head.weight.sum(1) == 0).sum()))


# parametrizations
class Symmetric(nn.Module):
    def forward(self, w):
        return w.triu() + w.triu(1).transpose(-1, -2)

    def right_inverse(self, w):
        return w.triu()


layer = nn.Linear(4, 4)
parametrize.register_parametrization(layer, 'weight', Symmetric())
print(torch.equal(layer.weight, layer.weight.T), [n for n, _ in layer.named_parameters()])
parametrize.remove_parametrizations(layer, 'weight')
q = orthogonal(nn.Linear(4, 4)).weight
print(torch.allclose(q @ q.T, torch.eye(4), atol=1e-5), sorted(weight_norm(nn.Linear(2, 3)).state_dict()))
normed = spectral_norm(nn.Linear(4, 4), n_power_iterations=30)
print('norm %.2f' % torch.linalg.matrix_norm(normed.weight, 2).item())

# vectors of parameters, averages of models
vector = parameters_to_vector(layer.parameters())
vector_to_parameters(torch.ones_like(vector), layer.parameters())
print(vector.shape, layer.bias.tolist())
ema = torch.optim.swa_utils.AveragedModel(layer, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.5))
for value in (2.0, 4.0):
    nn.init.constant_(layer.bias, value)
    ema.update_parameters(layer)
print(ema.module.bias.tolist(), int(ema.n_averaged))

with profile(record_shapes=True) as prof:
    with record_function('model_inference'), torch.inference_mode():
        torch.compile(model, disable=True)(x)
print('model_inference' in prof.key_averages().table(sort_by='cpu_time_total', row_limit=5))
assert len(changed) == 8, changed
