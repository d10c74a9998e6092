"""A small vision transformer (Dosovitskiy et al., 2021) on 8x8 digits, with warm-up, weight averaging and resuming."""
import argparse
import copy
import math
import os
import tempfile

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Subset, TensorDataset


class ViT(nn.Module):
    def __init__(self, image=8, patch=2, dim=48, depth=2, heads=4, classes=10):
        super().__init__()
        self.patch_embed = nn.Conv2d(1, dim, kernel_size=patch, stride=patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, (image // patch) ** 2 + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(
            dim, heads, 4 * dim, dropout=0.0, activation='gelu', batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.encoder(x)[:, 0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--epochs', type=int, default=6)
    parser.add_argument('--lr', type=float, default=2e-3)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(torch.get_num_threads())
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    dataset = TensorDataset(images, torch.tensor(digits.target))
    train_loader = DataLoader(Subset(dataset, range(0, 1437)), batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(Subset(dataset, range(1437, len(dataset))), batch_size=180)
    model = ViT()
    print(model)
    decay = [p for n, p in model.named_parameters() if p.ndim >= 2 and 'embed' not in n]
    no_decay = [p for n, p in model.named_parameters() if not (p.ndim >= 2 and 'embed' not in n)]
    optimizer = torch.optim.AdamW(
        [{'params': decay, 'weight_decay': 0.05}, {'params': no_decay, 'weight_decay': 0.0}],
        lr=args.lr, betas=(0.9, 0.98))
    total = args.epochs * len(train_loader)
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.05, total_iters=total // 10)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - total // 10, eta_min=1e-5)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[total // 10])
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    path = os.path.join(tempfile.mkdtemp(), 'checkpoint.pth')
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for images, labels in train_loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            grad_norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            scheduler.step()
            ema.update_parameters(model)
            running += loss.item()
        assert math.isfinite(float(grad_norm))
        ema.eval()
        correct = 0
        with torch.inference_mode():
            for images, labels in test_loader:
                correct += int((ema(images).argmax(dim=-1) == labels).sum())
        accuracy = correct / len(test_loader.dataset)
        print(f'epoch {epoch}: loss {running / len(train_loader):.4f} accuracy {accuracy:.2%} '
              f'lr {scheduler.get_last_lr()[0]:.2e}')
        torch.save({'model': model.state_dict(), 'ema': ema.state_dict(), 'optimizer': optimizer.state_dict(),
                    'scheduler': scheduler.state_dict(), 'epoch': epoch, 'rng': torch.get_rng_state()}, path)
        if epoch == 1:  # as if the program had been stopped here
            checkpoint = torch.load(path, map_location='cpu')
            before = copy.deepcopy(model.state_dict())
            model.load_state_dict(checkpoint['model'])
            ema.load_state_dict(checkpoint['ema'])
            optimizer.load_state_dict(checkpoint['optimizer'])
            torch.set_rng_state(checkpoint['rng'])
            assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert accuracy > 0.3, accuracy


if __name__ == '__main__':
    main()
