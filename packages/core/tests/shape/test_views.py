"""Views: the values, shapes and strides that NumPy gives, over the same memory."""

import numpy as np
import pytest

import tallow as T

X = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)

# what to do with a tensor, and the same with an array
VIEWS = {
    "view": (lambda t: t.view(6, 4), lambda a: a.reshape(6, 4)),
    "view with -1": (lambda t: t.view(2, -1), lambda a: a.reshape(2, 12)),
    "reshape": (lambda t: t.reshape((4, 6)), lambda a: a.reshape(4, 6)),
    "view_as": (lambda t: t.view_as(T.empty(24)), lambda a: a.reshape(24)),
    "flatten": (lambda t: t.flatten(1), lambda a: a.reshape(2, 12)),
    "flatten inside": (lambda t: t.flatten(0, 1), lambda a: a.reshape(6, 4)),
    "unflatten": (lambda t: t.unflatten(2, (2, -1)), lambda a: a.reshape(2, 3, 2, 2)),
    "ravel": (lambda t: t.ravel(), lambda a: a.reshape(-1)),
    "permute": (lambda t: t.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "permute from the end": (lambda t: t.permute(-1, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "transpose": (lambda t: t.transpose(0, -1), lambda a: a.swapaxes(0, 2)),
    "swapaxes": (lambda t: t.swapaxes(0, 1), lambda a: a.swapaxes(0, 1)),
    "t": (lambda t: t[0].t(), lambda a: a[0].T),
    "movedim": (lambda t: t.movedim(0, 2), lambda a: np.moveaxis(a, 0, 2)),
    "movedim of several": (lambda t: t.movedim((0, 1), (1, -1)), lambda a: np.moveaxis(a, (0, 1), (1, -1))),
    "unsqueeze": (lambda t: t.unsqueeze(1), lambda a: a[:, None]),
    "unsqueeze at the end": (lambda t: t.unsqueeze(-1), lambda a: a[..., None]),
    "squeeze": (lambda t: t[:1, :, :1].squeeze(), lambda a: a[0, :, 0]),
    "squeeze one": (lambda t: t[:1].squeeze(0), lambda a: a[0]),
    "squeeze what is not one": (lambda t: t.squeeze(1), lambda a: a),
    "squeeze several": (lambda t: t[:1, :, :1].squeeze((0, 2)), lambda a: a[0, :, 0]),
    "expand": (lambda t: t[:, :1].expand(2, 5, 4), lambda a: np.broadcast_to(a[:, :1], (2, 5, 4))),
    "expand in front": (lambda t: t.expand(3, -1, -1, -1), lambda a: np.broadcast_to(a, (3, 2, 3, 4))),
    "expand_as": (lambda t: t[0, :1].expand_as(T.empty(3, 4)), lambda a: np.broadcast_to(a[0, :1], (3, 4))),
    "broadcast_to": (lambda t: T.broadcast_to(t[0, 0], (3, 4)), lambda a: np.broadcast_to(a[0, 0], (3, 4))),
    "select": (lambda t: t.select(1, -1), lambda a: a[:, -1]),
    "narrow": (lambda t: t.narrow(2, 1, 2), lambda a: a[:, :, 1:3]),
    "narrow from the end": (lambda t: t.narrow(2, -2, 2), lambda a: a[:, :, 2:]),
    "slice": (lambda t: t[:, 1:, ::2], lambda a: a[:, 1:, ::2]),
    "slice beyond the ends": (lambda t: t[:, -9:9], lambda a: a[:, -9:9]),
    "empty slice": (lambda t: t[:, 2:1], lambda a: a[:, 2:1]),
    "ellipsis": (lambda t: t[..., 1], lambda a: a[..., 1]),
    "None": (lambda t: t[:, None, 1, ..., None], lambda a: a[:, None, 1, ..., None]),
    "diagonal": (lambda t: t.diagonal(1, 1, 2), lambda a: a.diagonal(1, 1, 2)),
    "diagonal below": (lambda t: t.diagonal(-2, 0, 2), lambda a: a.diagonal(-2, 0, 2)),
    "diagonal outside": (lambda t: t.diagonal(9, 1, 2), lambda a: a.diagonal(9, 1, 2)),
    "unfold": (
        lambda t: t.unfold(2, 3, 1),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 3, 2),
    ),
    "as_strided": (
        lambda t: t.as_strided((3, 2), (1, 5), 2),
        lambda a: np.lib.stride_tricks.as_strided(a.reshape(-1)[2:], (3, 2), (4, 20)),
    ),
    "view of bytes": (lambda t: t.view(T.int32), lambda a: a.view(np.int32)),
    "view of smaller items": (lambda t: t.view(T.int16), lambda a: a.view(np.int16)),
    "view of larger items": (lambda t: t.view(T.float64), lambda a: a.view(np.float64)),
    "mT": (lambda t: t.mT, lambda a: a.swapaxes(1, 2)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_values_and_memory(name):
    of_tensor, of_array = VIEWS[name]
    t = T.from_numpy(X.copy())
    v, a = of_tensor(t), of_array(X)
    assert tuple(v.shape) == a.shape
    np.testing.assert_array_equal(v.numpy(), a)
    if v.numel():
        before = t.clone()
        version = t._version
        flat = v.view(T.int32) if v.dtype != T.float32 and v.element_size() == 4 else v
        if all(s != 0 or n == 1 for s, n in zip(flat.stride(), flat.shape, strict=True)):
            flat.zero_()
            assert not T.equal(before, t), "a write to the view reaches the base"
            assert t._version > version


@pytest.mark.parametrize("name", VIEWS)
def test_meta_agrees(name):
    of_tensor, _ = VIEWS[name]
    real, meta = of_tensor(T.from_numpy(X.copy())), of_tensor(T.from_numpy(X.copy()).to("meta"))
    assert meta.shape == real.shape and meta.stride() == real.stride() and meta.dtype == real.dtype
    assert meta.storage_offset() == real.storage_offset()


def test_reshape_copies_only_where_it_must():
    t = T.arange(12).reshape(3, 4)
    assert t.reshape(4, 3).data_ptr() == t.data_ptr()
    assert t.t().reshape(12).data_ptr() != t.data_ptr()
    np.testing.assert_array_equal(t.t().reshape(12).numpy(), t.numpy().T.reshape(12))
    # A dimension may be cut, and neighbours that run on into each other joined, whatever stands around them.
    p = T.arange(24).reshape(2, 3, 4).transpose(0, 1)
    assert p.view(3, 2, 2, 2).data_ptr() == p.data_ptr()
    with pytest.raises(RuntimeError, match="view size is not compatible with input tensor's size and stride"):
        p.view(6, 4)


def test_views_of_nothing():
    t = T.empty(0, 3)
    assert t.view(3, 0).shape == (3, 0)
    assert t.reshape(5, 0, 2).shape == (5, 0, 2)
    assert t.view(-1, 3).shape == (0, 3)
    assert t.expand(0, 3).shape == (0, 3)
    with pytest.raises(RuntimeError, match="cannot reshape tensor of 0 elements into shape"):
        t.view(0, -1)


def test_metadata_in_place():
    t = T.arange(6).reshape(2, 3)
    assert t.t_() is t and t.shape == (3, 2) and t.stride() == (1, 3)
    assert t.transpose_(0, 1).shape == (2, 3)
    assert t.unsqueeze_(0) is t and t.shape == (1, 2, 3)
    assert t.squeeze_(0).shape == (2, 3)
    assert t.as_strided_((2,), (3,), 1).tolist() == [1, 4]


def test_resize():
    t = T.arange(6)
    assert t.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert t.resize_(6).tolist() == [0, 1, 2, 3, 4, 5], "the memory is kept"
    assert t.resize_(3, 5).shape == (3, 5) and t.flatten()[:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert T.empty(0).resize_as_(t).shape == (3, 5)
    u = T.empty(0, dtype=T.int64)
    assert u.set_(t).data_ptr() == t.data_ptr() and u.shape == (3, 5)


def test_detach_shares_memory_and_version():
    t = T.zeros(3)
    d = t.detach()
    d.fill_(1)
    assert t.tolist() == [1, 1, 1] and t._version == d._version == 1


def test_complex_views():
    z = T.tensor([1 + 2j, 3 - 4j])
    assert T.view_as_real(z).tolist() == [[1, 2], [3, -4]]
    T.view_as_real(z)[0, 1] = 9
    assert z[0] == 1 + 9j
    assert T.real(z).tolist() == [1, 3] and T.imag(z).tolist() == [9, -4]
    assert T.view_as_complex(T.tensor([[1.0, 2.0]])).tolist() == [1 + 2j]
    assert T.conj(z).tolist() == [1 - 9j, 3 + 4j]
    r = T.ones(2)
    assert T.real(r) is r and T.conj(r) is r
    assert T.complex(T.tensor([1.0]), T.tensor([2.0])).tolist() == [1 + 2j]
    with pytest.raises(RuntimeError, match="imag is not implemented for tensors with non-complex dtypes"):
        T.imag(r)


ERRORS = {
    "wrong size": (lambda t: t.view(5, 5), RuntimeError, r"shape '\[5, 5\]' is invalid for input of size 24"),
    "two holes": (lambda t: t.view(-1, -1), RuntimeError, "only one dimension can be inferred"),
    "negative size": (
        lambda t: t.view(-2, 12),
        RuntimeError,
        r"invalid shape dimension -2 at index 0 of shape \[-2, 12\]",
    ),
    "product overflows": (lambda t: t.view(2**40, 2**40), RuntimeError, "is invalid for input of size 24"),
    "select": (
        lambda t: t.select(0, 2),
        IndexError,
        r"select\(\): index 2 out of range for tensor of size \[2, 3, 4\] at dimension 0",
    ),
    "integer index": (lambda t: t[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    "too many": (lambda t: t[0, 0, 0, 0], IndexError, "too many indices for tensor of dimension 3"),
    "dimension": (
        lambda t: t.transpose(0, 3),
        IndexError,
        r"Dimension out of range \(expected to be in range of \[-3, 2\], but got 3\)",
    ),
    "permute twice": (lambda t: t.permute(0, 0, 1), RuntimeError, "duplicate dims are not allowed"),
    "permute too few": (lambda t: t.permute(0, 1), RuntimeError, r"input.dim\(\) = 3 is not equal to len\(dims\) = 2"),
    "expand": (
        lambda t: t.expand(2, 5, 4),
        RuntimeError,
        r"The expanded size of the tensor \(5\) must match the existing size \(3\) at non-singleton dimension 1",
    ),
    "expand too few": (lambda t: t.expand(4), RuntimeError, "must be greater or equal to the number of dimensions"),
    "narrow": (lambda t: t.narrow(0, 1, 2), RuntimeError, r"start \(1\) \+ length \(2\) exceeds dimension size \(2\)"),
    "narrow start": (lambda t: t.narrow(0, 3, 0), IndexError, r"expected to be in range of \[-2, 2\], but got 3"),
    "slice step": (lambda t: t[::-1], ValueError, "step must be greater than zero"),
    "unfold": (lambda t: t.unfold(0, 3, 1), RuntimeError, "maximum size for tensor at dimension 0 is 2 but size is 3"),
    "diagonal": (lambda t: t.diagonal(0, 1, 1), RuntimeError, "diagonal dimensions cannot be identical 1, 1"),
    "t": (lambda t: t.t(), RuntimeError, "expects a tensor with <= 2 dimensions, but self is 3D"),
    "unflatten": (lambda t: t.unflatten(1, (2, 2)), RuntimeError, r"don't multiply up to the size of dim 1 \(3\)"),
    "as_strided outside": (
        lambda t: t.as_strided((25,), (1,)),
        RuntimeError,
        "are out of bounds for storage of size 96",
    ),
    "as_strided overflow": (lambda t: t.as_strided((2**40,), (2**40,)), RuntimeError, "are out of bounds for storage"),
    "as_strided negative": (lambda t: t.as_strided((2,), (-1,)), RuntimeError, "Negative strides are not supported"),
    "as_strided offset": (lambda t: t.as_strided((2,), (1,), -1), RuntimeError, "offset"),
    "view dtype": (
        lambda t: t[..., :3].view(T.float64),
        RuntimeError,
        r"self.size\(-1\) must be divisible by 2 to view Float as Double",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    f, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        f(T.from_numpy(X.copy()))


def test_no_dimensions():
    s = T.tensor(5)
    assert s.view(1).tolist() == [5] and s.expand(3).tolist() == [5, 5, 5] and s.flatten().shape == (1,)
    assert s.squeeze(0).shape == () and s.transpose(0, -1).shape == () and s.permute(()).shape == ()
    with pytest.raises(IndexError, match="cannot be applied to a 0-dim tensor"):
        s.select(0, 0)
    with pytest.raises(IndexError):
        s[0]


def test_many_dimensions():
    t = T.ones((1,) * 64)
    assert t.ndim == 64 and t.flatten().shape == (1,)
    with pytest.raises(RuntimeError, match="64"):
        t.unsqueeze(0)
    with pytest.raises(RuntimeError, match="64"):
        T.ones((1,) * 65)
