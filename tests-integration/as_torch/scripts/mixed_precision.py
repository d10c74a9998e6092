"""A training loop with all that it usually has: autocast, loss scaling, accumulated and clipped gradients, mixup, label
smoothing, one-cycle rates, averaged weights, checkpoints to resume from and early stopping."""
import argparse
import os
import random
import tempfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.amp import GradScaler, autocast
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser()
parser.add_argument('--dtype', default='bfloat16', choices=['float32', 'bfloat16', 'float16'])
parser.add_argument('--epochs', type=int, default=8)
parser.add_argument('--accumulate', type=int, default=2)
args = parser.parse_args()


def seed_everything(seed):
    random.seed(seed)
    os.environ['PYTHONHASHSEED'] = str(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.SiLU(inplace=True),
            nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.PReLU(), nn.Dropout2d(0.05),
        )
        self.head = nn.Linear(16 * 64, 4)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


seed_everything(7)
device = 'cuda' if torch.cuda.is_available() else 'cpu'
dtype = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}[args.dtype]
ctx = nullcontext() if args.dtype == 'float32' else autocast(device_type=device, dtype=dtype)
x = torch.randn(600, 1, 8, 8)
y = (x[:, 0, :4].sum((1, 2)) > 0).long() + 2 * (x[:, 0, 4:].sum((1, 2)) > 0).long()
train, val = random_split(TensorDataset(x, y), [0.8, 0.2], generator=torch.Generator().manual_seed(42))
loader = DataLoader(train, batch_size=32, shuffle=True, pin_memory=torch.cuda.is_available())
val_loader = DataLoader(val, batch_size=64)

model = Net().to(device)
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, fused=device == 'cuda')
steps = (len(loader) + args.accumulate - 1) // args.accumulate
scheduler = OneCycleLR(optimizer, max_lr=5e-3, total_steps=args.epochs * steps, pct_start=0.3)
scaler = GradScaler(device, enabled=args.dtype == 'float16')
checkpoint = Path(tempfile.mkdtemp()) / 'best.pth.tar'


@torch.inference_mode()
def evaluate(m):
    m.eval()
    right, total, loss = 0, 0, 0.0
    for images, labels in val_loader:
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        with ctx:
            out = m(images)
            loss += F.cross_entropy(out, labels, reduction='sum').item()
        right += (out.argmax(1) == labels).sum().item()
        total += labels.numel()
    return right / total, loss / total


best, patience = float('inf'), 0
for epoch in range(args.epochs):
    model.train()
    optimizer.zero_grad(set_to_none=True)
    for i, (images, labels) in enumerate(loader):
        images, labels = images.to(device), labels.to(device)
        lam, order = np.random.beta(0.2, 0.2), torch.randperm(images.size(0))
        images = lam * images + (1 - lam) * images[order]
        with ctx:
            out = model(images)
            loss = lam * F.cross_entropy(out, labels, label_smoothing=0.05)
            loss = loss + (1 - lam) * F.cross_entropy(out, labels[order], label_smoothing=0.05)
        assert out.dtype == dtype and loss.dtype == torch.float32
        scaler.scale(loss / args.accumulate).backward()
        if (i + 1) % args.accumulate == 0 or i + 1 == len(loader):
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            scheduler.step()
            ema.update_parameters(model)
    accuracy, val_loss = evaluate(model)
    print('epoch %d: accuracy %.3f, loss %.3f, scale %g' % (epoch, accuracy, val_loss, scaler.get_scale()))
    if val_loss < best:
        best, patience = val_loss, 0
        torch.save({'epoch': epoch + 1, 'state_dict': model.state_dict(), 'optimizer': optimizer.state_dict(),
                    'scheduler': scheduler.state_dict(), 'scaler': scaler.state_dict(), 'best': best,
                    'rng': torch.get_rng_state(), 'args': vars(args)}, checkpoint)
    else:
        patience += 1
        if patience > 3:
            break

state = torch.load(checkpoint, map_location=device, weights_only=True)
resumed = Net().to(device)
print(resumed.load_state_dict(state['state_dict']), 'after epoch', state['epoch'], state['args'])
optimizer2 = torch.optim.AdamW(resumed.parameters(), lr=1e-3)
optimizer2.load_state_dict(state['optimizer'])
scheduler2 = OneCycleLR(optimizer2, max_lr=5e-3, total_steps=args.epochs * steps, pct_start=0.3)
scheduler2.load_state_dict(state['scheduler'])
torch.set_rng_state(state['rng'].cpu())
assert abs(evaluate(resumed)[1] - state['best']) < 1e-4
update_bn(loader, ema, device=device)
averaged, _ = evaluate(ema)
print('averaged weights: accuracy %.3f, learning rate %.2e' % (averaged, scheduler2.get_last_lr()[0]))
assert accuracy > 0.5 and averaged > 0.5
