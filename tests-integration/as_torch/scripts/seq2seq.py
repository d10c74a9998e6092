"""A GRU encoder and an attention decoder (Bahdanau et al., 2015) learn to write numbers backwards."""
import argparse
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

PAD, SOS, EOS = 0, 1, 2
parser = argparse.ArgumentParser()
parser.add_argument('--iters', type=int, default=200)
parser.add_argument('--hidden', type=int, default=64)
args = parser.parse_args()
random.seed(3)
torch.manual_seed(3)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_batch(size):
    words = [[random.randint(3, 12) for _ in range(random.randint(2, 6))] for _ in range(size)]
    words.sort(key=len, reverse=True)
    lengths = torch.tensor([len(w) for w in words])
    source = pad_sequence([torch.tensor(w) for w in words], batch_first=True, padding_value=PAD)
    target = pad_sequence([torch.tensor(w[::-1] + [EOS]) for w in words], batch_first=True, padding_value=PAD)
    return source.to(device), lengths, target.to(device)


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size, dropout_p=0.1):
        super(EncoderRNN, self).__init__()
        self.embedding = nn.Embedding(input_size, hidden_size, padding_idx=PAD)
        self.gru = nn.GRU(hidden_size, hidden_size // 2, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, input, lengths):
        embedded = self.dropout(self.embedding(input))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True)
        output, hidden = self.gru(packed)
        output, _ = pad_packed_sequence(output, batch_first=True)
        return output, torch.cat([hidden[0], hidden[1]], dim=1).unsqueeze(0)


class BahdanauAttention(nn.Module):
    def __init__(self, hidden_size):
        super(BahdanauAttention, self).__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys, mask):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        scores = scores.squeeze(2).unsqueeze(1).masked_fill(mask.unsqueeze(1), float('-inf'))
        weights = F.softmax(scores, dim=-1)
        return torch.bmm(weights, keys), weights


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size, dropout_p=0.1):
        super(AttnDecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attention = BahdanauAttention(hidden_size)
        self.gru = nn.GRU(2 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, encoder_outputs, hidden, mask, steps, target=None):
        input = torch.empty(encoder_outputs.size(0), 1, dtype=torch.long, device=device).fill_(SOS)
        outputs = []
        for i in range(steps):
            embedded = self.dropout(self.embedding(input))
            context, _ = self.attention(hidden.permute(1, 0, 2), encoder_outputs, mask)
            output, hidden = self.gru(torch.cat((embedded, context), dim=2), hidden)
            output = self.out(output)
            outputs.append(output)
            if target is not None:
                input = target[:, i].unsqueeze(1)
            else:
                _, topi = output.topk(1)
                input = topi.squeeze(-1).detach()
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1)


encoder = EncoderRNN(13, args.hidden).to(device)
decoder = AttnDecoderRNN(args.hidden, 13).to(device)
encoder_optimizer = optim.Adam(encoder.parameters(), lr=0.005)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=0.005)
criterion = nn.NLLLoss(ignore_index=PAD)
start, losses = time.time(), []
for it in range(1, args.iters + 1):
    source, lengths, target = make_batch(32)
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    encoder_outputs, hidden = encoder(source, lengths)
    outputs = decoder(encoder_outputs, hidden, source == PAD, target.size(1), target)
    loss = criterion(outputs.reshape(-1, outputs.size(-1)), target.reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_value_(decoder.parameters(), 1.0)
    encoder_optimizer.step()
    decoder_optimizer.step()
    losses.append(loss.item())
    if it % 40 == 0:
        print('%5.1f s (%d %d%%) %.4f' % (time.time() - start, it, it / args.iters * 100, sum(losses[-40:]) / 40))

encoder.eval()
decoder.eval()
with torch.no_grad():
    source, lengths, target = make_batch(100)
    encoder_outputs, hidden = encoder(source, lengths)
    guess = decoder(encoder_outputs, hidden, source == PAD, target.size(1)).argmax(-1)
    right = ((guess == target) | (target == PAD)).all(dim=1).float().mean().item()
print('right: %.0f%%' % (100 * right))
assert sum(losses[-20:]) < 0.6 * sum(losses[:20])
