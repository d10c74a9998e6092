"""import torch resolves to Tallow: in this process, in a script, in what a script spawns."""

import subprocess
import sys

import pytest

import tallow


@pytest.fixture
def torch():
    """Tallow under torch's name, whether torch is installed here or not; a program may have had it imported."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torch"}
    for name in before:
        del sys.modules[name]
    tallow.as_torch.install()
    try:
        import torch

        yield torch
    finally:
        tallow.as_torch.uninstall()
        sys.modules.update(before)


def run(*words, **options):
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, timeout=120, **options)
    return done.returncode, done.stdout, done.stderr


def test_the_same_objects(torch):
    import torch.random
    import torch.testing as testing
    from torch import Tensor, float32

    assert Tensor is tallow.Tensor and torch.add is tallow.add and torch.Size is tallow.Size
    assert float32 is tallow.float32 and torch.random.fork_rng is tallow.random.fork_rng
    assert testing.assert_close is tallow.testing.assert_close
    assert torch.tensor([1.0]).sum().item() == 1.0
    assert isinstance(torch.ones(2), torch.FloatTensor) and not isinstance(torch.ones(2), torch.LongTensor)


def test_version(torch):
    import torch.version

    assert torch.__version__ == torch.version.__version__ and torch.__version__.startswith("2.")
    assert tuple(map(int, torch.__version__.split("+")[0].split("."))) >= (2, 0, 0)
    assert torch.version.cuda is None


def test_what_is_missing_is_named(torch):
    with pytest.raises(AttributeError, match=r"torch\.sparse_csr_tensor is not in Tallow \d"):
        torch.sparse_csr_tensor  # noqa: B018
    with pytest.raises(AttributeError, match=r"torch\.backends\.cudnn\.rnn is not in Tallow"):
        torch.backends.cudnn.rnn  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"torch\.nested is not in Tallow") as e:
        import torch.nested.names  # noqa: F401
    assert e.value.name.startswith("torch.nested")
    with pytest.raises(ImportError, match="sparse_csr_tensor"):
        from torch import sparse_csr_tensor  # noqa: F401
    assert not hasattr(torch, "sparse_csr_tensor") and getattr(torch, "nothing_such", 5) == 5


def test_flags_are_set_where_they_count(torch):
    assert torch.backends.cudnn.deterministic is False
    torch.backends.cudnn.deterministic = True
    assert tallow.backends.cudnn.deterministic is True
    torch.backends.cudnn.deterministic = False
    assert tallow.backends.cudnn.deterministic is False and torch.backends.cudnn.deterministic is False


def test_patches_are_seen_by_both(torch, monkeypatch):
    assert torch.typename([]) == "list"
    monkeypatch.setattr(torch, "typename", lambda obj: "patched")
    assert torch.typename([]) == tallow.typename([]) == "patched"
    monkeypatch.undo()
    assert torch.typename([]) == tallow.typename([]) == "list"


def test_packages_that_are_asked_whether_they_are_there(torch, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "distributed" in name else find(name))
    import torch.distributed as dist

    assert not dist.is_available() and not dist.is_initialized()
    with pytest.raises(AttributeError, match="torch.distributed.barrier is not in Tallow .*pip install tallow-distr"):
        dist.barrier()


def test_code_that_could_be_compiled(torch):
    @torch.jit.ignore
    @torch.jit.unused
    @torch.jit.ignore(drop=True)
    @torch.jit.export
    @torch.compiler.disable
    @torch.compiler.disable(recursive=False)
    def f(x):
        return torch.jit.annotate(int, x)

    assert f(3) == 3 and not torch.jit.is_scripting() and not torch.jit.is_tracing()
    assert not torch.compiler.is_compiling()
    with pytest.raises(AttributeError, match=r"torch\.jit\.trace is not in Tallow .*without scripting and tracing"):
        torch.jit.trace(f, 3)


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    from tallow.as_torch._modules import missing

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing("torch.optim.SGD").endswith(": pip install tallow-optim")
    assert missing("torch.onnx").endswith(": pip install tallow-onnx-export")
    assert missing("torch.sparse_csr_tensor").endswith(f"is not in Tallow {tallow.__version__}")
    monkeypatch.undo()
    assert "pip" not in missing("torch.backends.nothing")


def test_dir_has_both(torch):
    assert {"Tensor", "nn", "save", "__version__"} <= set(dir(torch))


def test_install_and_uninstall():
    assert not tallow.as_torch.installed()
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "torch"}
    path, finders = list(sys.path), list(sys.meta_path)
    tallow.as_torch.install()
    tallow.as_torch.install()
    assert tallow.as_torch.installed() and len(sys.meta_path) == len(finders) + 1
    import torch

    assert torch.Tensor is tallow.Tensor
    tallow.as_torch.uninstall()
    assert sys.path == path and sys.meta_path == finders and "torch" not in sys.modules
    sys.modules.update(kept)


def test_torch_itself_is_not_replaced(monkeypatch):
    import types

    for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    real = types.ModuleType("torch")
    real.__version__ = "9.9"
    monkeypatch.setitem(sys.modules, "torch", real)
    with pytest.raises(RuntimeError, match=r"torch 9\.9 is already imported"):
        tallow.as_torch.install()
    assert not tallow.as_torch.installed()


# ---- python -m tallow.as_torch ------------------------------------------------------------------------------------


def test_script(tmp_path):
    (tmp_path / "helper.py").write_text("import torch\nvalue = torch.ones(2).sum().item()\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, torch, tallow, helper\n"
        "assert __name__ == '__main__' and torch.Tensor is tallow.Tensor\n"
        "print(sys.argv[1:], helper.value, __file__ == sys.argv[0], sys.path[0])\n"
        "sys.exit(3)\n"
    )
    code, out, err = run("-m", "tallow.as_torch", script, "--lr", "0.1", "-m")
    assert (code, out.strip()) == (3, f"['--lr', '0.1', '-m'] 2.0 True {tmp_path}"), err


def test_module(tmp_path):
    package = tmp_path / "program"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "train.py").write_text("import sys, torch; print(torch.arange(3).tolist(), sys.argv[1:])\n")
    code, out, err = run("-m", "tallow.as_torch", "-m", "program.train", "x", cwd=tmp_path)
    assert (code, out.strip()) == (0, "[0, 1, 2] ['x']"), err


def test_errors_of_the_command(tmp_path):
    assert run("-m", "tallow.as_torch")[0] == 2
    assert "usage" in run("-m", "tallow.as_torch", "--help")[1]
    code, _, err = run("-m", "tallow.as_torch", tmp_path / "none.py")
    assert code == 2 and "cannot open" in err and "none.py" in err
    (tmp_path / "jit.py").write_text("import torch\ntorch.jit.script(len)\n")
    code, _, err = run("-m", "tallow.as_torch", tmp_path / "jit.py")
    assert code == 1 and err.rstrip().splitlines()[-1].startswith("AttributeError: torch.jit.script is not in Tallow")


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_processes_that_a_script_starts(tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\n"
        "import torch\n"
        "def work(n):\n"
        "    return type(torch.ones(n)).__module__, torch.ones(n).sum().item()\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(1) as pool:\n"
        "        print(pool.map(work, [2, 3]))\n"
    )
    code, out, err = run("-m", "tallow.as_torch", script)
    assert (code, out.strip()) == (0, "[('tallow', 2.0), ('tallow', 3.0)]"), err


def test_things_are_printed_as_parts_of_torch(torch):
    x = torch.ones(2, 3, dtype=torch.float64)
    assert (str(x.dtype), repr(x.shape), x.type()) == ("torch.float64", "torch.Size([2, 3])", "torch.DoubleTensor")
    assert repr(x) == "tensor([[1., 1., 1.],\n        [1., 1., 1.]], dtype=torch.float64)"
    assert repr(x.max(0)).startswith("torch.return_types.max(\nvalues=tensor([1., 1., 1.], dtype=torch.float64),\n")
    tallow.as_torch.uninstall()
    assert str(x.dtype) == "tallow.float64"


def test_modules_that_programs_set_switches_in(torch):
    import torch._dynamo
    from torch import compiler
    from torch.torch_version import TorchVersion

    torch._dynamo.config.suppress_errors = True
    torch._dynamo.reset()
    assert not compiler.is_compiling() and compiler.list_backends() == []
    with compiler.set_stance("force_eager"):
        assert compiler.disable(len) is len and compiler.allow_in_graph(len) is len
    assert "CPU capability" in torch.__config__.show() and "threads" in torch.__config__.parallel_info()
    torch.__future__.set_swap_module_params_on_conversion(True)
    assert torch.__future__.get_swap_module_params_on_conversion()
    assert torch.functional.einsum is torch.einsum and isinstance(torch.__version__, TorchVersion)
    assert torch.__version__ >= (2, 0) and torch.jit.script_if_tracing(len) is len
