"""Derivatives of derivatives: a physics-informed network for u'' = -u (Raissi et al., 2019), MAML on sines (Finn et
al., 2017), functions with gradients of their own, Jacobians and Hessians."""
import math
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Variable
from torch.func import functional_call, grad, hessian, jacrev, vjp

torch.manual_seed(0)
np.random.seed(0)
torch.set_default_dtype(torch.float64)


class DNN(torch.nn.Module):
    def __init__(self, sizes):
        super(DNN, self).__init__()
        layers = []
        for i in range(len(sizes) - 2):
            layers.append(('layer_%d' % i, torch.nn.Linear(sizes[i], sizes[i + 1])))
            layers.append(('activation_%d' % i, torch.nn.Tanh()))
        layers.append(('out', torch.nn.Linear(sizes[-2], sizes[-1])))
        self.layers = torch.nn.Sequential(OrderedDict(layers))

    def forward(self, x):
        return self.layers(x)


net = DNN([1, 16, 16, 1])
x = torch.tensor(np.linspace(0, math.pi, 30)[:, None], requires_grad=True)
optimizer = torch.optim.LBFGS(net.parameters(), max_iter=150, history_size=50, tolerance_grad=1e-9,
                              line_search_fn='strong_wolfe')


def closure():
    optimizer.zero_grad()
    u = net(x)
    u_x = torch.autograd.grad(u, x, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x, grad_outputs=torch.ones_like(u_x), create_graph=True)[0]
    loss = (u_xx + u).pow(2).mean() + u[0].pow(2).sum() + (u_x[0] - 1).pow(2).sum()
    loss.backward()
    return loss


first = optimizer.step(closure).item()
error = (net(x) - torch.sin(x)).abs().max().item()
print('equation: loss %.3f to %.1e, error %.1e' % (first, closure().item(), error))
assert error < 0.05

# learning to learn
torch.set_default_dtype(torch.float32)
net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
meta = torch.optim.Adam(net.parameters(), lr=5e-3)


def task():
    amplitude, phase = np.random.uniform(0.5, 2), np.random.uniform(0, math.pi)

    def draw(n=10):
        t = torch.rand(n, 1) * 6 - 3
        return t, amplitude * torch.sin(t + phase)
    return draw


def error_of(parameters, inputs, targets):
    return ((functional_call(net, parameters, (inputs,)) - targets) ** 2).mean()


history = []
for it in range(80):
    meta.zero_grad()
    total = 0.
    for _ in range(4):
        draw = task()
        slow = dict(net.named_parameters())
        grads = torch.autograd.grad(error_of(slow, *draw()), tuple(slow.values()), create_graph=True)
        fast = {name: p - 0.05 * g for (name, p), g in zip(slow.items(), grads)}
        total = total + error_of(fast, *draw())
    (total / 4).backward()
    meta.step()
    history.append(total.item() / 4)
print('tasks: loss %.3f to %.3f' % (np.mean(history[:10]), np.mean(history[-10:])))
assert np.mean(history[-10:]) < np.mean(history[:10])
parameters = {name: p.detach() for name, p in net.named_parameters()}
inputs, targets = task()()
grads = grad(error_of)(parameters, inputs, targets)
loss, pull = vjp(lambda p: error_of(p, inputs, targets), parameters)
assert all(torch.allclose(grads[name], pull(torch.tensor(1.0))[0][name]) for name in parameters)


class Legendre(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)


v = torch.randn(5, dtype=torch.double, requires_grad=True)
print('own gradients:', torch.autograd.gradcheck(Legendre.apply, v), torch.autograd.gradgradcheck(Legendre.apply, v))
print(torch.autograd.functional.jacobian(lambda t: t ** 2, torch.arange(3.)).diagonal())
print(torch.autograd.functional.hessian(lambda t: (t ** 3).sum(), torch.arange(3.)).trace())
print(jacrev(torch.sin)(torch.zeros(2)), hessian(lambda t: t ** 4)(torch.tensor(1.)))
w = Variable(torch.ones(2), requires_grad=True)
(w * 3).sum().backward()
print(w.grad.data)
