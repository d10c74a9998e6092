"""The same program gives the same bits on one thread and on two."""

import pytest

TRAINING = """
import hashlib, sys, tallow
import tallow.nn as nn
from tallow.data import DataLoader, TensorDataset

tallow.set_num_threads(int(sys.argv[1]))
optimizer_name = sys.argv[2]
tallow.manual_seed(11)
x = tallow.randn(256, 1, 12, 12)
y = tallow.randint(0, 10, (256,))
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(),
    nn.Dropout(0.2), nn.Linear(32 * 16, 10),
)
options = {"SGD": {"lr": 0.05, "momentum": 0.9}, "AdamW": {"lr": 0.002}}[optimizer_name]
optimizer = getattr(tallow.optim, optimizer_name)(model.parameters(), **options)
schedule = tallow.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
digest = hashlib.sha256()
for _ in range(3):
    for images, labels in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        digest.update(loss.detach().numpy().tobytes())
    schedule.step()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print(digest.hexdigest(), loss.item())
"""


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_training(run_python, optimizer):
    results = [run_python(TRAINING, threads, optimizer) for threads in (1, 2, 2, 5)]
    assert len(set(results)) == 1, results
