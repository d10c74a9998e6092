"""Sequences of different lengths: packed, padded, in lists."""

import numpy as np
import pytest

import tallow
from tallow import nn
from tallow.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)


@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [2, 5, 1], [4, 4], [1]])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pack_and_pad_are_inverse(lengths, batch_first):
    rows = [tallow.randn(n, 2) for n in lengths]
    padded = pad_sequence(rows, batch_first=batch_first, padding_value=7.0)
    packed = pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
    assert packed.data.size(0) == sum(lengths)
    assert packed.batch_sizes.tolist() == [sum(n > t for n in lengths) for t in range(max(lengths))]
    again, got = pad_packed_sequence(packed, batch_first, padding_value=7.0)
    assert again.tolist() == padded.tolist() and got.tolist() == lengths
    for row, expected in zip(unpack_sequence(packed), rows, strict=True):
        assert row.tolist() == expected.tolist()
    for row, expected in zip(unpad_sequence(padded, tallow.tensor(lengths), batch_first), rows, strict=True):
        assert row.tolist() == expected.tolist()


def test_total_length_and_padding_side():
    packed = pack_sequence([tallow.tensor([1, 2]), tallow.tensor([3])])
    assert pad_packed_sequence(packed, batch_first=True, total_length=3)[0].tolist() == [[1, 2, 0], [3, 0, 0]]
    left = pad_sequence([tallow.tensor([1, 2]), tallow.tensor([3])], True, padding_side="left")
    assert left.tolist() == [[1, 2], [0, 3]]
    with pytest.raises(ValueError, match="total_length=1 and max sequence length being 2"):
        pad_packed_sequence(packed, total_length=1)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_packed_sequences_give_what_each_sequence_gives(kind):
    tallow.manual_seed(0)
    module = getattr(nn, kind)(3, 4, 2, bidirectional=True)
    rows = [tallow.randn(n, 3) for n in (2, 5, 3)]
    output, state = module(pack_sequence(rows, enforce_sorted=False))
    for b, (got, row) in enumerate(zip(unpack_sequence(output), rows, strict=True)):
        expected, expected_state = module(row)
        np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), atol=1e-6)
        pairs = zip(state, expected_state, strict=True) if kind == "LSTM" else [(state, expected_state)]
        for s, e in pairs:
            np.testing.assert_allclose(s[:, b].detach().numpy(), e.detach().numpy(), atol=1e-6)


def test_packing_is_differentiable():
    x = tallow.ones(3, 2, requires_grad=True)
    packed = pack_padded_sequence(x, [3, 1])
    pad_packed_sequence(PackedSequence(packed.data * 2, packed.batch_sizes))[0].sum().backward()
    assert x.grad.tolist() == [[2, 2], [2, 0], [2, 0]]


def test_conversions_and_permutation():
    packed = pack_sequence([tallow.tensor([1.0, 2.0]), tallow.tensor([3.0])])
    assert packed.double().data.dtype == tallow.float64 and packed.to(tallow.float32) is packed
    assert packed.cpu().data.device.type == "cpu" and not packed.is_cuda
    assert invert_permutation(None) is None and invert_permutation(tallow.tensor([1, 2, 0])).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pack_padded_sequence(tallow.zeros(3, 2), [1, 3]), "must be sorted in decreasing order"),
        (lambda: pack_padded_sequence(tallow.zeros(3, 2), [3, 0]), "greater than 0"),
        (lambda: pack_padded_sequence(tallow.zeros(3, 2), [3]), r"got 1 \(batch_size=2\)"),
        (lambda: pack_padded_sequence(tallow.zeros(3, 2), [4, 1]), "lengths of at most 3"),
        (lambda: pack_padded_sequence(tallow.zeros(0, 2), [1, 1]), "Cannot pack empty tensors"),
        (lambda: pad_sequence([]), "empty list of sequences"),
        (lambda: pad_sequence([tallow.zeros(1)], padding_side="top"), "one of left or right, but got top"),
    ],
)
def test_errors(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_moves_of_a_packed_sequence():
    packed = nn.utils.rnn.pack_sequence([tallow.ones(2)])
    assert packed.cpu(tallow.float64).data.dtype == tallow.float64
    assert packed.cpu() is packed
    assert not packed.is_pinned()


def test_padding_takes_tensors():
    with pytest.raises(TypeError, match="expected Tensor as element 1 of sequences, but got int"):
        nn.utils.rnn.pad_sequence([tallow.ones(1), 2])
