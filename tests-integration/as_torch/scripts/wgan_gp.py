"""Wasserstein GAN with gradient penalty (Gulrajani et al., 2017) on points of a ring: gradients of gradients."""
import argparse
import math

import torch
from torch import autograd, nn, optim

parser = argparse.ArgumentParser()
parser.add_argument('--iterations', type=int, default=150)
parser.add_argument('--critic-iters', type=int, default=3)
parser.add_argument('--batch-size', type=int, default=128)
parser.add_argument('--lambda-gp', type=float, default=1.0)
args = parser.parse_args()
torch.manual_seed(1)
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
DIM = 64


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(2, DIM), nn.ReLU(True), nn.Linear(DIM, DIM), nn.ReLU(True), nn.Linear(DIM, 2))

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(2, DIM), nn.LeakyReLU(0.2), nn.Linear(DIM, DIM), nn.Tanh(), nn.Linear(DIM, 1))

    def forward(self, inputs):
        return self.main(inputs).view(-1)


def real_points(count):
    angle = 2 * math.pi * torch.rand(count)
    return torch.stack([torch.cos(angle), torch.sin(angle)], dim=1) + 0.02 * torch.randn(count, 2)


def calc_gradient_penalty(netD, real_data, fake_data):
    alpha = torch.rand(real_data.size(0), 1, device=device).expand(real_data.size())
    interpolates = alpha * real_data + ((1 - alpha) * fake_data)
    interpolates.requires_grad_(True)
    disc_interpolates = netD(interpolates)
    gradients = autograd.grad(outputs=disc_interpolates, inputs=interpolates,
                              grad_outputs=torch.ones(disc_interpolates.size(), device=device),
                              create_graph=True, retain_graph=True, only_inputs=True)[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * args.lambda_gp


netG, netD = Generator().to(device), Discriminator().to(device)
optimizerD = optim.RMSprop(netD.parameters(), lr=1e-3)
optimizerG = optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.9))


def distance():
    """How far the made points are from the ring."""
    with torch.no_grad():
        return (netG(torch.randn(512, 2, device=device)).norm(dim=1) - 1).abs().mean().item()


before = distance()
for iteration in range(args.iterations):
    for p in netD.parameters():
        p.requires_grad = True
    for _ in range(args.critic_iters):
        real = real_points(args.batch_size).to(device)
        netD.zero_grad()
        fake = netG(torch.randn(args.batch_size, 2, device=device)).detach()
        D_real, D_fake = netD(real).mean(), netD(fake).mean()
        gradient_penalty = calc_gradient_penalty(netD, real.data, fake.data)
        D_cost = D_fake - D_real + gradient_penalty
        D_cost.backward()
        optimizerD.step()
    for p in netD.parameters():
        p.requires_grad = False
    netG.zero_grad()
    G_cost = -netD(netG(torch.randn(args.batch_size, 2, device=device))).mean()
    G_cost.backward()
    optimizerG.step()
    if iteration % 25 == 0:
        print('iteration %d critic %.4f generator %.4f penalty %.4f' % (
            iteration, D_cost.item(), G_cost.item(), gradient_penalty.item()))
after = distance()
print('distance from the ring: %.3f before, %.3f after' % (before, after))
assert after < before
