"""Language model over words with an LSTM, GRU, plain RNN or Transformer, on a text in this file."""
import argparse
import math
import os
import tempfile
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# Lewis Carroll, "Jabberwocky", 1871 (public domain)
TEXT = """
'Twas brillig, and the slithy toves did gyre and gimble in the wabe: all mimsy were the borogoves, and the mome raths
outgrabe. Beware the Jabberwock, my son! The jaws that bite, the claws that catch! Beware the Jubjub bird, and shun
the frumious Bandersnatch! He took his vorpal sword in hand; long time the manxome foe he sought - so rested he by the
Tumtum tree and stood awhile in thought. And, as in uffish thought he stood, the Jabberwock, with eyes of flame, came
whiffling through the tulgey wood, and burbled as it came! One, two! One, two! And through and through the vorpal blade
went snicker-snack! He left it dead, and with its head he went galumphing back. And hast thou slain the Jabberwock?
Come to my arms, my beamish boy! O frabjous day! Callooh! Callay! He chortled in his joy. 'Twas brillig, and the slithy
toves did gyre and gimble in the wabe: all mimsy were the borogoves, and the mome raths outgrabe.
"""


class Dictionary(object):
    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add_word(self, word):
        if word not in self.word2idx:
            self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]

    def __len__(self):
        return len(self.idx2word)


class RNNModel(nn.Module):
    """Container module with an encoder, a recurrent module, and a decoder."""

    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, dropout=0.5, tie_weights=False):
        super(RNNModel, self).__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        if rnn_type in ['LSTM', 'GRU']:
            self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        else:
            nonlinearity = {'RNN_TANH': 'tanh', 'RNN_RELU': 'relu'}[rnn_type]
            self.rnn = nn.RNN(ninp, nhid, nlayers, nonlinearity=nonlinearity, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError('When using the tied flag, nhid must be equal to emsize')
            self.decoder.weight = self.encoder.weight
        self.init_weights()
        self.rnn_type = rnn_type
        self.nhid = nhid
        self.nlayers = nlayers

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        decoded = self.decoder(output)
        decoded = decoded.view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        if self.rnn_type == 'LSTM':
            return (weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid))
        return weight.new_zeros(self.nlayers, bsz, self.nhid)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=500):
        super(PositionalEncoding, self).__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        pe = pe.unsqueeze(0).transpose(0, 1)
        self.register_buffer('pe', pe)

    def forward(self, x):
        x = x + self.pe[:x.size(0), :]
        return self.dropout(x)


class TransformerModel(nn.Transformer):
    """An encoder, positions, transformer layers and a decoder."""

    def __init__(self, ntoken, ninp, nhead, nhid, nlayers, dropout=0.5):
        super(TransformerModel, self).__init__(
            d_model=ninp, nhead=nhead, dim_feedforward=nhid, num_encoder_layers=nlayers, num_decoder_layers=0)
        self.model_type = 'Transformer'
        self.src_mask = None
        self.pos_encoder = PositionalEncoding(ninp, dropout)
        self.input_emb = nn.Embedding(ntoken, ninp)
        self.ninp = ninp
        self.decoder = nn.Linear(ninp, ntoken)
        self.init_weights()

    def _generate_square_subsequent_mask(self, sz):
        return torch.log(torch.tril(torch.ones(sz, sz)))

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.input_emb.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, src, has_mask=True):
        if has_mask:
            device = src.device
            if self.src_mask is None or self.src_mask.size(0) != len(src):
                self.src_mask = self._generate_square_subsequent_mask(len(src)).to(device)
        else:
            self.src_mask = None
        src = self.input_emb(src) * math.sqrt(self.ninp)
        src = self.pos_encoder(src)
        output = self.encoder(src, mask=self.src_mask)
        output = self.decoder(output)
        return F.log_softmax(output, dim=-1)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data.narrow(0, 0, nbatch * bsz)
    return data.view(bsz, -1).t().contiguous()


def repackage_hidden(h):
    """Wraps hidden states in new Tensors, to detach them from their history."""
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def get_batch(source, i, bptt):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i:i + seq_len], source[i + 1:i + 1 + seq_len].view(-1)


def main():
    parser = argparse.ArgumentParser(description='Word language model')
    parser.add_argument('--model', type=str, default='LSTM',
                        choices=['RNN_TANH', 'RNN_RELU', 'LSTM', 'GRU', 'Transformer'])
    parser.add_argument('--emsize', type=int, default=48)
    parser.add_argument('--nhid', type=int, default=48)
    parser.add_argument('--nhead', type=int, default=2)
    parser.add_argument('--nlayers', type=int, default=1)
    parser.add_argument('--lr', type=float, default=20.0)
    parser.add_argument('--clip', type=float, default=0.25)
    parser.add_argument('--epochs', type=int, default=12)
    parser.add_argument('--batch_size', type=int, default=2)
    parser.add_argument('--bptt', type=int, default=12)
    parser.add_argument('--dropout', type=float, default=0.1)
    parser.add_argument('--tied', action='store_true')
    parser.add_argument('--seed', type=int, default=1111)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device('cpu')

    dictionary = Dictionary()
    ids = torch.tensor([dictionary.add_word(word) for word in TEXT.split()]).type(torch.int64)
    train_data = batchify(torch.cat([ids] * 4), args.batch_size).to(device)
    ntokens = len(dictionary)
    transformer = args.model == 'Transformer'
    if transformer:
        model = TransformerModel(ntokens, args.emsize, args.nhead, args.nhid, args.nlayers, args.dropout).to(device)
    else:
        model = RNNModel(args.model, ntokens, args.emsize, args.nhid, args.nlayers, args.dropout, args.tied).to(device)
    criterion = nn.NLLLoss()
    print('parameters:', sum(p.numel() for p in model.parameters() if p.requires_grad))

    lr = args.lr if not transformer else args.lr / 20
    first = None
    checkpoint = os.path.join(tempfile.mkdtemp(), 'model.pt')
    best = None
    for epoch in range(1, args.epochs + 1):
        model.train()
        start, total_loss, batches = time.time(), 0., 0
        hidden = None if transformer else model.init_hidden(args.batch_size)
        for batch, i in enumerate(range(0, train_data.size(0) - 1, args.bptt)):
            data, targets = get_batch(train_data, i, args.bptt)
            model.zero_grad()
            if transformer:
                output = model(data).view(-1, ntokens)
            else:
                hidden = repackage_hidden(hidden)
                output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
            for p in model.parameters():
                if p.grad is not None:
                    p.data.add_(p.grad, alpha=-lr)
            total_loss += loss.item()
            batches += 1
        average = total_loss / batches
        first = average if first is None else first
        print('| epoch {:3d} | lr {:02.2f} | {:5.1f} s | loss {:5.2f} | ppl {:8.2f}'.format(
            epoch, lr, time.time() - start, average, math.exp(average)))
        if best is None or average < best:
            with open(checkpoint, 'wb') as f:
                torch.save(model.state_dict(), f)
            best = average
        else:
            lr /= 2.0
    with open(checkpoint, 'rb') as f:
        model.load_state_dict(torch.load(f))
    model.eval()
    with torch.no_grad():
        hidden = None if transformer else model.init_hidden(1)
        input = torch.randint(ntokens, (1, 1), dtype=torch.long)
        words = []
        for _ in range(10):
            if transformer:
                output = model(input, False)[-1].squeeze()
                word_idx = torch.multinomial(output.exp().cpu(), 1)[0]
                input = torch.cat([input, torch.tensor([[word_idx]])], 0)
            else:
                output, hidden = model(input, hidden)
                word_idx = torch.multinomial(output.squeeze().div(0.9).exp().cpu(), 1)[0]
                input.fill_(word_idx)
            words.append(dictionary.idx2word[word_idx])
    print(' '.join(words))
    assert best < 0.9 * first, (first, best)


if __name__ == '__main__':
    main()
