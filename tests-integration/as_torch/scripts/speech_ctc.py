"""Toy speech recognition: a convolution and a bidirectional LSTM, trained with CTC (Graves et al., 2006)."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler

parser = argparse.ArgumentParser()
parser.add_argument('--epochs', type=int, default=8)
args = parser.parse_args()
torch.manual_seed(5)
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
CHARS = '_abcdef'
SOUNDS = torch.randn(len(CHARS), 12)


class Utterances(Dataset):
    """Letters are two to four frames of their sound each, with noise, and a pause in between."""

    def __init__(self, size):
        self.items = []
        for _ in range(size):
            text = torch.randint(1, len(CHARS), (torch.randint(2, 6, (1,)).item(),))
            frames = []
            for c in text.tolist():
                frames += [SOUNDS[c]] * int(torch.randint(2, 5, ()).item()) + [SOUNDS[0]]
            self.items.append((torch.stack(frames) + 0.3 * torch.randn(len(frames), 12), text))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class BucketSampler(Sampler):
    """Batches of similar lengths in random order."""

    def __init__(self, lengths, batch_size):
        order = sorted(range(len(lengths)), key=lengths.__getitem__)
        self.batches = [order[i:i + batch_size] for i in range(0, len(order), batch_size)]

    def __iter__(self):
        return iter([self.batches[i] for i in torch.randperm(len(self.batches)).tolist()])

    def __len__(self):
        return len(self.batches)


def collate(batch):
    frames, texts = zip(*batch)
    lengths = torch.LongTensor([len(f) for f in frames])
    targets = torch.LongTensor([len(t) for t in texts])
    return pad_sequence(frames, batch_first=True), torch.cat(texts), lengths, targets


class Recognizer(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(12, hidden, 3, padding=1), nn.BatchNorm1d(hidden), nn.Hardtanh(0, 20, True))
        self.rnn = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden, len(CHARS))

    def forward(self, x, lengths):
        x = self.conv(x.transpose(1, 2)).transpose(1, 2)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return F.log_softmax(self.out(x), dim=-1).transpose(0, 1)


def greedy(log_probs, lengths):
    best = log_probs.argmax(-1).transpose(0, 1)
    texts = []
    for row, n in zip(best, lengths):
        merged = torch.unique_consecutive(row[:n])
        texts.append(''.join(CHARS[i] for i in merged if i != 0))
    return texts


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


train, test = Utterances(320), Utterances(64)
sampler = BucketSampler([len(f) for f, _ in train.items], 16)
loader = DataLoader(train, batch_sampler=sampler, collate_fn=collate)
model = Recognizer().to(device)
criterion = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, steps_per_epoch=len(loader), epochs=args.epochs)
for epoch in range(1, args.epochs + 1):
    model.train()
    total = 0.0
    for frames, texts, lengths, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(frames.to(device), lengths), texts.to(device), lengths, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
    print('Epoch {:2d}  loss {:.4f}  lr {:.5f}'.format(epoch, total / len(loader), scheduler.get_last_lr()[0]))

model.eval()
errors = letters = 0
with torch.no_grad():
    for frames, texts, lengths, targets in DataLoader(test, batch_size=32, collate_fn=collate):
        guesses = greedy(model(frames.to(device), lengths), lengths)
        for guess, text in zip(guesses, texts.split(targets.tolist())):
            right = ''.join(CHARS[i] for i in text)
            errors, letters = errors + edit_distance(guess, right), letters + len(right)
print('character error rate: %.1f%%' % (100 * errors / letters))
assert errors < 0.25 * letters
