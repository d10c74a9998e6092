"""Graph convolutions (Kipf and Welling, 2017) on matrices, by messages, graph attention (Velickovic et al., 2018)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter

torch.manual_seed(3)
N, C = 60, 3
labels = torch.arange(N) % C
prob = torch.where(labels[:, None] == labels[None, :], 0.25, 0.02)
A = torch.bernoulli(prob).triu(1)
A = A + A.t() + torch.eye(N)
feats = torch.randn(N, 8) + F.one_hot(labels, 8).float()
edge_index = A.nonzero(as_tuple=False).t().contiguous()
d = A.sum(1).pow(-0.5)
d[torch.isinf(d)] = 0.
adj = d.view(-1, 1) * A * d.view(1, -1)


class GraphConvolution(Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1. / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        output = torch.mm(adj, torch.mm(input, self.weight))
        return output + self.bias if self.bias is not None else output

    def __repr__(self):
        return self.__class__.__name__ + ' (' + str(self.in_features) + ' -> ' + str(self.out_features) + ')'


class MessagePassing(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.lin = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x, edge_index):
        row, col = edge_index
        x = self.lin(x)
        deg = torch.zeros(x.size(0)).scatter_add_(0, col, torch.ones(col.numel()))
        weight = deg[row].pow(-0.5) * deg[col].pow(-0.5)
        return torch.zeros_like(x).index_add_(0, col, weight.view(-1, 1) * x.index_select(0, row))


class GraphAttention(nn.Module):
    def __init__(self, inputs, outputs, heads, concat=True, alpha=0.2):
        super().__init__()
        self.heads, self.outputs, self.concat = heads, outputs, concat
        self.W = nn.Linear(inputs, heads * outputs, bias=False)
        self.a_src, self.a_dst = (nn.Parameter(torch.Tensor(1, heads, outputs)) for _ in range(2))
        for p in (self.a_src, self.a_dst):
            nn.init.xavier_uniform_(p, gain=1.414)
        self.act = nn.LeakyReLU(alpha)

    def forward(self, x, edge_index):
        (src, dst), n = edge_index, x.size(0)
        z = self.W(x).view(n, self.heads, self.outputs)
        e = self.act((z * self.a_src).sum(-1)[src] + (z * self.a_dst).sum(-1)[dst])
        e = (e - e.max()).exp()
        total = torch.zeros(n, self.heads).index_add(0, dst, e)
        attention = F.dropout(e / (total[dst] + 1e-16), 0.1, self.training)
        where = dst.view(-1, 1, 1).expand(-1, self.heads, self.outputs)
        out = torch.zeros(n, self.heads, self.outputs).scatter_add(0, where, attention.unsqueeze(-1) * z[src])
        return out.flatten(1) if self.concat else out.mean(1)

    def extra_repr(self):
        return f'heads={self.heads}'


def train(forward, parameters, steps=80):
    optimizer = torch.optim.Adam(parameters, lr=0.02, weight_decay=5e-4)
    mask = torch.zeros(N, dtype=torch.bool)
    mask[torch.randperm(N)[:30]] = True
    for _ in range(steps):
        optimizer.zero_grad()
        out = F.log_softmax(forward(True), dim=1)
        F.nll_loss(out[mask], labels[mask]).backward()
        optimizer.step()
    return (forward(False).argmax(1)[~mask] == labels[~mask]).double().mean().item()


g1, g2 = GraphConvolution(8, 16), GraphConvolution(16, C)
mp = nn.ModuleList([MessagePassing(8, 16), MessagePassing(16, C)])
gat = nn.ModuleDict({'one': GraphAttention(8, 8, 2), 'two': GraphAttention(16, C, 2, concat=False)})
print(g1, gat, sep='\n')
assert torch.allclose(mp[0](feats, edge_index), adj @ mp[0].lin(feats), atol=1e-5)


def convolutions(training):
    return g2(F.dropout(F.relu(g1(feats, adj)), 0.3, training=training), adj)


def messages(training):
    return mp[1](mp[0](feats, edge_index).relu(), edge_index)


def attention(training):
    gat.train(training)
    return gat['two'](F.elu(gat['one'](feats, edge_index)), edge_index)


RUNS = (convolutions, [*g1.parameters(), *g2.parameters()]), (messages, mp.parameters()), (attention, gat.parameters())
for forward, parameters in RUNS:
    accuracy = train(forward, parameters)
    print('%s: %.2f' % (forward.__name__, accuracy))
    assert accuracy > 0.6
print(torch.zeros(C).scatter_reduce(0, labels, torch.ones(N), reduce='sum').tolist(), torch.bincount(labels).tolist())
