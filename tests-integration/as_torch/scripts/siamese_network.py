"""A siamese network learns whether two 8x8 digits show the same number."""
from __future__ import print_function

import argparse
import random

import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, Dataset


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((4, 4)),
        )
        self.fc_in_features = 32 * 4 * 4
        self.fc = nn.Sequential(
            nn.Linear(self.fc_in_features * 2, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, 1),
        )
        self.sigmoid = nn.Sigmoid()
        self.features.apply(self.init_weights)
        self.fc.apply(self.init_weights)

    def init_weights(self, m):
        if isinstance(m, nn.Linear):
            torch.nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def forward_once(self, x):
        output = self.features(x)
        output = output.view(output.size()[0], -1)
        return output

    def forward(self, input1, input2):
        output1 = self.forward_once(input1)
        output2 = self.forward_once(input2)
        output = torch.cat((torch.abs(output1 - output2), output1 * output2), 1)
        output = self.fc(output)
        return self.sigmoid(output)


class Matcher(Dataset):
    """Pairs: an even index gives two digits of one class, an odd index of two."""

    def __init__(self, images, targets, seed):
        self.images, self.targets = images, targets
        self.grouped = {i: torch.where(targets == i)[0] for i in range(10)}
        self.random = random.Random(seed)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        selected_class = self.random.randint(0, 9)
        first = self.grouped[selected_class][self.random.randint(0, len(self.grouped[selected_class]) - 1)]
        if index % 2 == 0:
            other_class, target = selected_class, torch.tensor(1, dtype=torch.float)
        else:
            other_class = (selected_class + self.random.randint(1, 9)) % 10
            target = torch.tensor(0, dtype=torch.float)
        second = self.grouped[other_class][self.random.randint(0, len(self.grouped[other_class]) - 1)]
        return self.images[first].clone(), self.images[second].clone(), target


def train(model, device, train_loader, optimizer, epoch):
    model.train()
    criterion = nn.BCELoss()
    for batch_idx, (images_1, images_2, targets) in enumerate(train_loader):
        images_1, images_2, targets = images_1.to(device), images_2.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = model(images_1, images_2).squeeze()
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        if batch_idx % 10 == 0:
            print('Train Epoch: {} [{}/{}]\tLoss: {:.6f}'.format(
                epoch, batch_idx * len(images_1), len(train_loader.dataset), loss.item()))


def test(model, device, test_loader):
    model.eval()
    test_loss, correct = 0, 0
    criterion = nn.BCELoss()
    with torch.no_grad():
        for (images_1, images_2, targets) in test_loader:
            images_1, images_2, targets = images_1.to(device), images_2.to(device), targets.to(device)
            outputs = model(images_1, images_2).squeeze()
            test_loss += criterion(outputs, targets).sum().item()
            pred = torch.where(outputs > 0.5, 1, 0)
            correct += pred.eq(targets.view_as(pred)).sum().item()
    accuracy = correct / len(test_loader.dataset)
    print('\nTest set: Average loss: {:.4f}, Accuracy: {:.0f}%\n'.format(test_loss / len(test_loader), 100. * accuracy))
    return accuracy


def main():
    parser = argparse.ArgumentParser(description='Siamese network example')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--epochs', type=int, default=5)
    parser.add_argument('--lr', type=float, default=0.003)
    parser.add_argument('--gamma', type=float, default=0.9)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device("cpu")
    digits = load_digits()
    images = torch.FloatTensor(digits.images.tolist()).unsqueeze(1) / 16
    targets = torch.LongTensor(digits.target.tolist())
    train_loader = DataLoader(Matcher(images[:1400], targets[:1400], 1), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(Matcher(images[1400:], targets[1400:], 2), batch_size=200)
    model = SiameseNetwork().to(device)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    scheduler = ExponentialLR(optimizer, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(model, device, train_loader, optimizer, epoch)
        accuracy = test(model, device, test_loader)
        scheduler.step()
    assert accuracy > 0.6, accuracy


if __name__ == '__main__':
    main()
