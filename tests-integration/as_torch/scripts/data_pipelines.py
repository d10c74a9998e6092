"""Datasets, samplers, collate functions, workers and streams, as input pipelines combine them."""
import itertools
import math
import random
from collections import Counter

import numpy as np
import torch
from torch.utils.data import (BatchSampler, ChainDataset, ConcatDataset, DataLoader, Dataset, IterableDataset,
                              RandomSampler, SequentialSampler, Subset, SubsetRandomSampler, TensorDataset,
                              WeightedRandomSampler, default_collate, get_worker_info, random_split)


class Squares(Dataset):
    def __init__(self, n, transform=None, target_transform=None):
        self.n, self.transform, self.target_transform = n, transform, target_transform

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        x, y = np.full((2, 3), i, dtype=np.float32), i * i
        x = self.transform(x) if self.transform else x
        return {'image': x, 'label': self.target_transform(y) if self.target_transform else y, 'name': f'item{i}'}


class Stream(IterableDataset):
    def __init__(self, start, end):
        super(Stream).__init__()
        self.start, self.end = start, end

    def __iter__(self):
        info = get_worker_info()
        if info is None:
            return iter(range(self.start, self.end))
        share = int(math.ceil((self.end - self.start) / float(info.num_workers)))
        begin = self.start + info.id * share
        return iter(range(begin, min(begin + share, self.end)))


class Noise(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return np.random.randint(0, 10 ** 6), random.randint(0, 10 ** 6), torch.randint(0, 10 ** 6, ()).item()


def seed_worker(worker_id):
    worker_seed = torch.initial_seed() % 2 ** 32
    np.random.seed(worker_seed)
    random.seed(worker_seed)


def main():
    torch.manual_seed(0)
    batch = next(iter(DataLoader(Squares(6, torch.from_numpy, float), batch_size=4)))
    print(batch['image'].shape, batch['image'].dtype, batch['label'], batch['label'].dtype, batch['name'])

    train, val, test = random_split(Squares(10), [0.6, 0.2, 0.2], generator=torch.Generator().manual_seed(1))
    found = sorted(itertools.chain(train.indices, val.indices, test.indices))
    print(len(train), len(val), len(test), found == list(range(10)))

    both = ConcatDataset([Squares(3), Subset(Squares(9), [8, 7])])
    print([both[i]['label'] for i in range(len(both))], both[-1]['name'], both.cumulative_sizes)

    labels = torch.tensor([0] * 90 + [1] * 10)
    weights = (1.0 / torch.bincount(labels).float())[labels]
    loader = DataLoader(TensorDataset(torch.arange(100), labels), batch_size=50,
                        sampler=WeightedRandomSampler(weights, num_samples=2000, replacement=True))
    share = torch.cat([y for _, y in loader]).float().mean().item()
    print('balanced:', abs(share - 0.5) < 0.1)
    batches = BatchSampler(SequentialSampler(range(7)), batch_size=3, drop_last=False)
    print(list(batches), len(batches), len(DataLoader(range(7), batch_sampler=batches)))
    print(sorted(SubsetRandomSampler([3, 5, 8])), len(RandomSampler(range(5), replacement=True, num_samples=12)))

    first, again = ([x.tolist() for x in DataLoader(range(8), batch_size=4, shuffle=True,
                                                    generator=torch.Generator().manual_seed(3))] for _ in range(2))
    print('same order:', first == again, sorted(sum(first, [])))

    for workers in (0, 2):
        seen = list(DataLoader(Stream(3, 12), batch_size=None, num_workers=workers))
        print(workers, sorted(int(x) for x in seen))
    print([int(x) for x in DataLoader(ChainDataset([Stream(0, 2), Stream(5, 7)]), batch_size=None)])

    def pad(items):
        longest = max(len(x) for x in items)
        padded = torch.stack([torch.cat([x, x.new_zeros(longest - len(x))]) for x in items])
        return padded, torch.tensor([len(x) for x in items])

    padded, lengths = next(iter(DataLoader([torch.ones(n) for n in (1, 3, 2)], batch_size=3, collate_fn=pad)))
    print(padded.tolist(), lengths.tolist())

    def noise(seed):
        g = torch.Generator().manual_seed(seed)
        loader = DataLoader(Noise(), batch_size=2, num_workers=2, worker_init_fn=seed_worker, generator=g,
                            multiprocessing_context='fork', persistent_workers=True, prefetch_factor=2)
        return [tuple(t.tolist() for t in part) for _ in range(2) for part in loader]
    one, two, other = noise(0), noise(0), noise(1)
    drawn = Counter(itertools.chain.from_iterable(itertools.chain.from_iterable(one)))
    print('reproducible:', one == two, 'other seed differs:', one != other, 'repeats:', max(drawn.values()) - 1)

    class Broken(Squares):
        def __getitem__(self, i):
            raise ValueError('item %d is broken' % i)
    try:
        list(DataLoader(Broken(4), num_workers=1))
    except ValueError as e:
        text = str(e)
        print('Caught ValueError in DataLoader worker process 0' in text, 'item 0 is broken' in text)
    nested = default_collate([{'a': (1, [2.5]), 'b': torch.ones(2)}, {'a': (3, [4.5]), 'b': torch.zeros(2)}])
    print(nested)


if __name__ == '__main__':
    main()
