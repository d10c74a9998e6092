"""A package of somebody else, built against the installed tallow-core and used as its users would."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "tallow_example"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("third-party")
    package = shutil.copytree(SOURCE, folder / "tallow_example", ignore=shutil.ignore_patterns(".build", "lib"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def site(wheel, tmp_path_factory) -> Path:
    """A folder for sys.path with the wheel's files."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_one_binary_for_every_python(wheel, site, run):
    assert wheel.name.startswith("tallow_example-1.0-py3-none-")
    library = site / "tallow_example" / "lib" / "libtallow_example.so"
    undefined = run(["nm", "-D", "--undefined-only", library]).stdout
    assert "Py" not in undefined and "tl_" not in undefined
    assert "libtallow" not in run(["readelf", "-d", library]).stdout.split("SONAME")[0]


def test_forms(site, run_python):
    """Function, method-like call, in-place, out=, meta, strided arguments: all from one schema and one kernel."""
    run_python(
        """
        import math, tallow, tallow_example
        softclip, softclip_ = tallow_example.softclip, tallow_example.softclip_
        for dtype in (tallow.float32, tallow.float64):
            x = tallow.tensor([[-3.0, 0.5, 2.0], [0.0, 1.0, 100.0]], dtype=dtype)
            want = tallow.tensor([[2 * math.tanh(v / 2) for v in row] for row in x.tolist()], dtype=dtype)
            y = softclip(x, 2.0)
            assert y.dtype is dtype
            tallow.testing.assert_close(y, want)
            tallow.testing.assert_close(softclip(x, limit=2.0), want)
            tallow.testing.assert_close(tallow.ops.example.softclip(x, 2), want)
            tallow.testing.assert_close(softclip(x.T, 2.0), want.T)
            tallow.testing.assert_close(softclip(x[:, ::2], 2.0), want[:, ::2])

            out = tallow.empty(0, dtype=dtype)
            assert softclip(x, 2.0, out=out) is out
            tallow.testing.assert_close(out, want)
            column_major = tallow.empty(3, 2, dtype=dtype).T
            softclip(x, 2.0, out=column_major)
            tallow.testing.assert_close(column_major, want)

            z = x.clone()
            version = z._version
            assert softclip_(z, 2.0) is z and z._version > version
            tallow.testing.assert_close(z, want)
            w = x.clone()
            softclip_(w[:, 1], 2.0)
            tallow.testing.assert_close(w[:, 1], want[:, 1])
            tallow.testing.assert_close(w[:, 0], x[:, 0])

        m = softclip(tallow.empty(5, 0, 7, device="meta"))
        assert m.device.type == "meta" and m.shape == (5, 0, 7)
        assert softclip(tallow.empty(0)).shape == (0,)
        """,
        path=[site],
    )


@pytest.mark.parametrize(
    "call, error, message",
    [
        ("softclip(tallow.ones(2, dtype=tallow.int64))", "TypeError", "softclip: self must be float32 or float64"),
        ("softclip(x, -1.0)", "ValueError", "softclip: limit must be positive, got -1"),
        ("softclip(x, 'a')", "TypeError", "argument 'limit' (position 2) must be float"),
        ("softclip()", "TypeError", "missing 1 required argument: 'self'"),
        ("softclip(x, out=tallow.empty(2, dtype=tallow.int64))", "RuntimeError", "can't be cast to the desired output"),
        ("tallow.ops.example.hardclip(x)", "AttributeError", "no op named 'example::hardclip' is registered"),
    ],
)
def test_messages(site, run_python, call, error, message):
    shown = run_python(
        f"""
        import tallow
        from tallow_example import softclip
        x = tallow.ones(2)
        try:
            {call}
        except Exception as e:
            print(type(e).__name__, e)
        """,
        path=[site],
    )
    assert shown.startswith(error) and message in shown


def test_gradient(site, run_python):
    run_python(
        """
        import tallow, tallow_example
        from tallow.autograd import gradcheck, gradgradcheck
        from tallow_example import softclip, softclip_
        x = tallow.tensor([[-2.0, 0.3], [1.0, 4.0]], dtype=tallow.float64, requires_grad=True)
        assert gradcheck(lambda t: softclip(t, 1.5), (x,))
        assert gradgradcheck(lambda t: softclip(t, 1.5), (x,))
        y = x * 1
        softclip_(y, 1.5)
        y.sum().backward()
        tallow.testing.assert_close(x.grad, 1 - (tallow.tanh(x.detach() / 1.5)) ** 2)
        """,
        path=[site],
    )


def test_works_where_autograd_is_missing(site, core_alone, run_python):
    shown = run_python(
        """
        import tallow, tallow_example
        print(tallow_example.softclip(tallow.tensor([0.0, 100.0]), limit=2.0))
        try:
            tallow.ones(2, requires_grad=True)
        except Exception as e:
            print(type(e).__name__, e)
        try:
            tallow.autograd
        except AttributeError as e:
            print(e)
        """,
        path=[core_alone, site],
        isolated=True,
    )
    assert "tensor([0., 2.])" in shown
    assert shown.count("pip install tallow-autograd") == 2


def test_same_bits_on_any_number_of_threads(site, run_python):
    run_python(
        """
        import tallow, tallow_example
        x = tallow.randn(300_001)
        results = []
        for threads in (1, 2, 5):
            tallow.set_num_threads(threads)
            results.append(tallow_example.softclip(x))
        assert all(tallow.equal(results[0], r) for r in results[1:])
        """,
        path=[site],
    )
