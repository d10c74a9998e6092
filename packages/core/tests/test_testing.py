"""tallow.testing: assert_close and make_tensor."""

import pytest

import tallow
from tallow.testing import assert_close, make_tensor


def message(*args, **kwargs):
    with pytest.raises(AssertionError) as caught:
        assert_close(*args, **kwargs)
    return str(caught.value)


def test_equal_structures_pass():
    for value in (1, 1.5, 2j, True, None, [], {}, [1, (2.0, {"a": None})], tallow.ones(2), tallow.ones(0)):
        assert_close(value, value)
    assert_close([1.0, 2.0], (1.0, 2.0))
    assert_close(tallow.ones(3, device="meta"), tallow.ones(3, device="meta"))


def test_tensor_message():
    assert message(tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 3.0])) == (
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 1.0 at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.3333333432674408 at index (1,) (up to 1.3e-06 allowed)"
    )
    actual, expected = tallow.tensor([[1.0, 2.0], [3, 4]]), tallow.tensor([[1.0, 2.0], [3, 5]]).t()
    assert "3 / 4 (75.0%)" in message(actual, expected)
    assert "relative difference: 0.5 at index (1, 0)" in message(actual, expected)


def test_integers_do_not_wrap():
    actual, expected = tallow.tensor([255], dtype=tallow.uint8), tallow.tensor([0], dtype=tallow.uint8)
    assert message(actual, expected) == (
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 1 (100.0%)\n"
        "Greatest absolute difference: 255 at index (0,)\nGreatest relative difference: inf at index (0,)"
    )


def test_scalar_message_and_item():
    assert message([1, {"a": tallow.tensor(3.0)}], [1, {"a": tallow.tensor(4.0)}]) == (
        "Scalars are not close!\n\nExpected 4.0 but got 3.0.\nAbsolute difference: 1.0 (up to 1e-05 allowed)\n"
        "Relative difference: 0.25 (up to 1.3e-06 allowed)\n\nThe failure occurred for item [1]['a']"
    )


@pytest.mark.parametrize(
    ("actual", "expected", "text"),
    [
        (None, 1, "None mismatch: None is not 1"),
        (True, False, "Booleans mismatch: True is not False"),
        (1, 1.0, "The (d)types do not match: <class 'int'> != <class 'float'>."),
        ([1], [1, 2], "The length of the sequences mismatch: 1 != 2"),
        (
            {"a": 1},
            {"b": 1},
            "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\n"
            "Additional keys in the actual mapping: ['a']",
        ),
    ],
)
def test_structure_messages(actual, expected, text):
    assert message(actual, expected) == text


@pytest.mark.parametrize(
    ("actual", "expected", "options", "text"),
    [
        (tallow.ones(2), tallow.ones(1), {}, "'shape' do not match: tallow.Size([2]) != tallow.Size([1])."),
        (
            tallow.ones(1),
            tallow.ones(1, dtype=tallow.int64),
            {},
            "'dtype' do not match: tallow.float32 != tallow.int64.",
        ),
        (tallow.ones(1), tallow.ones(1, device="meta"), {}, "'device' do not match: cpu != meta."),
        (
            tallow.ones(1, 2).t(),
            tallow.ones(2, 1),
            {"check_stride": True},
            "'stride()' do not match: (1, 2) != (1, 1).",
        ),
    ],
)
def test_attribute_messages(actual, expected, options, text):
    assert message(actual, expected, **options) == f"The values for attribute {text}"


def test_nan_and_infinity():
    nan, inf = tallow.tensor([float("nan")]), tallow.tensor([float("inf")])
    assert "nan at index (0,)" in message(nan, nan)
    assert_close(nan, nan, equal_nan=True)
    assert_close(inf, inf)
    message(tallow.ones(1), inf)
    message(inf, tallow.ones(1))


def test_tolerances_and_msg():
    actual, expected = tallow.tensor([1.0]), tallow.tensor([1.05])
    assert_close(actual, expected, rtol=0, atol=0.1)
    assert message(actual, expected, msg="no") == "no"
    assert message(actual, expected, msg=lambda text: "X" + text).startswith("XTensor-likes")
    half = tallow.tensor([1.0], dtype=tallow.float16)
    assert_close(half, tallow.tensor([1.0009765625], dtype=tallow.float16))
    with pytest.raises(ValueError, match="Both 'rtol' and 'atol'.*no atol"):
        assert_close(1, 1, rtol=1)
    with pytest.raises(ValueError, match="must not be negative"):
        assert_close(1, 1, rtol=-1, atol=0)


@pytest.mark.parametrize("pair", [("a", "a"), ({1}, {1}), (tallow.ones(1), [1.0]), (1.0, tallow.tensor(1.0))])
def test_incomparable(pair):
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
        assert_close(*pair)


FLOATING = [tallow.float16, tallow.bfloat16, tallow.float32, tallow.float64]
INTEGRAL = [tallow.uint8, tallow.int8, tallow.int16, tallow.int32, tallow.int64]


@pytest.mark.parametrize("dtype", [tallow.bool, *FLOATING, *INTEGRAL, tallow.complex64, tallow.complex128], ids=str)
def test_make_tensor(dtype):
    result = make_tensor(20, 30, dtype=dtype, device="cpu")
    assert result.shape == (20, 30) and result.dtype == dtype and result.is_contiguous()
    strided = make_tensor((4, 4), dtype=dtype, device="cpu", noncontiguous=True)
    assert strided.shape == (4, 4) and strided.stride() == (8, 2)
    assert not (make_tensor(100, dtype=dtype, device="cpu", exclude_zero=True) == 0).any()
    if dtype in INTEGRAL:
        values = set(result.flatten().tolist())
        assert values <= set(range(0 if dtype == tallow.uint8 else -9, 10)) and len(values) > 5
    if dtype in FLOATING:
        assert -9 <= result.min().item() < result.max().item() <= 9
        wide = make_tensor(100, dtype=dtype, device="cpu", low=-float("inf"), high=float("inf"))
        assert wide.isfinite().all()


def test_make_tensor_errors():
    with pytest.raises(ValueError, match=r"`low` must be less than `high`, but got 3 >= 2"):
        make_tensor(2, dtype=tallow.float32, device="cpu", low=3, high=2)
    with pytest.raises(ValueError, match="cannot be NaN"):
        make_tensor(2, dtype=tallow.float32, device="cpu", low=float("nan"))
    with pytest.raises(ValueError, match="`requires_grad=True` is not supported"):
        make_tensor(2, dtype=tallow.int32, device="cpu", requires_grad=True)
    with pytest.raises(ValueError, match="no value of dtype"):
        make_tensor(2, dtype=tallow.uint8, device="cpu", low=-5, high=-1)
