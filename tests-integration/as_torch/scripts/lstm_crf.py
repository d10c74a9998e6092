"""Tagging with a conditional random field over an LSTM (Lafferty et al., 2001; Huang et al., 2015)."""
import torch
import torch.nn as nn
import torch.optim as optim
from torch import autograd

torch.manual_seed(1)
START, STOP = '<START>', '<STOP>'
TAGS = {'B': 0, 'I': 1, 'O': 2, START: 3, STOP: 4}


def prepare(words, index):
    return torch.tensor([index[w] for w in words], dtype=torch.long)


class BiLSTM_CRF(nn.Module):
    def __init__(self, vocab_size, tags, embedding_dim=8, hidden_dim=16):
        super(BiLSTM_CRF, self).__init__()
        self.tags, self.hidden_dim = tags, hidden_dim
        self.word_embeds = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim // 2, num_layers=1, bidirectional=True)
        self.hidden2tag = nn.Linear(hidden_dim, len(tags))
        # transitions[i, j]: the score of going to i from j
        self.transitions = nn.Parameter(torch.randn(len(tags), len(tags)))
        self.transitions.data[tags[START], :] = -10000
        self.transitions.data[:, tags[STOP]] = -10000

    def init_hidden(self):
        return torch.zeros(2, 1, self.hidden_dim // 2), torch.zeros(2, 1, self.hidden_dim // 2)

    def features(self, sentence):
        embeds = self.word_embeds(sentence).view(len(sentence), 1, -1)
        out, self.hidden = self.lstm(embeds, self.init_hidden())
        return self.hidden2tag(out.view(len(sentence), self.hidden_dim))

    def log_partition(self, feats):
        alphas = torch.full((len(self.tags),), -10000.)
        alphas[self.tags[START]] = 0.
        for feat in feats:
            alphas = torch.logsumexp(alphas.unsqueeze(0) + self.transitions, dim=1) + feat
        return torch.logsumexp(alphas + self.transitions[self.tags[STOP]], dim=0)

    def score(self, feats, tags):
        path = torch.cat([torch.tensor([self.tags[START]], dtype=torch.long), tags])
        emitted = feats.gather(1, tags.view(-1, 1)).sum()
        moved = self.transitions[path[1:], path[:-1]].sum()
        return emitted + moved + self.transitions[self.tags[STOP], path[-1]]

    def viterbi(self, feats):
        scores = torch.full((len(self.tags),), -10000.)
        scores[self.tags[START]] = 0
        pointers = []
        for feat in feats:
            best, ids = torch.max(scores.unsqueeze(0) + self.transitions, dim=1)
            scores = best + feat
            pointers.append(ids)
        best, last = torch.max(scores + self.transitions[self.tags[STOP]], dim=0)
        path = [last.item()]
        for ids in reversed(pointers):
            path.append(ids[path[-1]].item())
        start = path.pop()
        assert start == self.tags[START]
        return best, path[::-1]

    def neg_log_likelihood(self, sentence, tags):
        feats = self.features(sentence)
        return self.log_partition(feats) - self.score(feats, tags)

    def forward(self, sentence):
        return self.viterbi(self.features(sentence))


training_data = [
    ('the wall street journal reported today that apple corporation made money'.split(),
     'B I I I O O O B I O O'.split()),
    ('georgia tech is a university in georgia'.split(), 'B I O O O O B'.split()),
    ('apple corporation is in georgia today'.split(), 'B I O O B O'.split()),
]
words = {}
for sentence, _ in training_data:
    for word in sentence:
        words.setdefault(word, len(words))
model = BiLSTM_CRF(len(words), TAGS)
optimizer = optim.SGD(model.parameters(), lr=0.05, weight_decay=1e-4)
losses = []
for epoch in range(40):
    total = 0.
    for sentence, tags in training_data:
        model.zero_grad()
        loss = model.neg_log_likelihood(prepare(sentence, words), prepare(tags, TAGS))
        assert loss.item() > -1e-3
        loss.backward()
        optimizer.step()
        total += loss.item()
    losses.append(total)
print('loss %.3f to %.3f' % (losses[0], losses[-1]))
with autograd.set_detect_anomaly(True):
    model.neg_log_likelihood(prepare(*training_data[0][:1], words), prepare(training_data[0][1], TAGS)).backward()
names = {i: tag for tag, i in TAGS.items()}
right = total = 0
with torch.no_grad():
    for sentence, tags in training_data:
        score, path = model(prepare(sentence, words))
        print('%8.3f' % score, ' '.join(names[i] for i in path))
        right += sum(names[i] == tag for i, tag in zip(path, tags))
        total += len(tags)
print('%d of %d tags' % (right, total))
assert losses[-1] < 0.2 * losses[0] and right >= total - 2
