"""The language of gradient rules: what it refuses, and rules that come from elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import tallow, tallow.autograd
tallow._core.set_rule("fliplr", "grad", {rule!r})
x = tallow.ones(2, 2, requires_grad=True)
y = tallow.fliplr(x * 1)
y.sum().backward()
print(x.grad.tolist())
"""


def run(rule: str) -> subprocess.CompletedProcess:
    program = PROGRAM.format(rule=rule)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("self: grad +", "gradient rule of 'fliplr': expected an expression at character 12"),
        ("self grad", "expected ':' at character 5"),
        ("self: (grad", "expected ')' at character 11"),
        ("other: grad", "the op has no parameter 'other'"),
        ("self: nothing", "unknown name 'nothing'"),
        ("self: grad.size", "unknown attribute '.size'"),
        ("self: grad.no_such_op()", "calls 'no_such_op' with 1 arguments and 0 keywords: no such op"),
        ("self: grad1", "there is no 'grad1'"),
        ("self: 3", "a gradient rule must give a tensor or None"),
        ("self: grad if grad else None", "asks for the truth of a tensor"),
        (
            "self: grad.sum(0)",
            "returned an invalid gradient at index 0 - got [2] but expected shape compatible with [2, 2]",
        ),
    ],
)
def test_faults_are_named(rule: str, message: str) -> None:
    done = run(rule)
    assert done.returncode == 1 and message in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        ("self: grad.flip([1]) * 2", [[2.0, 2.0], [2.0, 2.0]]),
        ("self: grad * (2 ** 3 - 1) // 2 if self.ndim == 2 else None", [[3.0, 3.0], [3.0, 3.0]]),
        ("self: grad * self.sizes[-1] if not (self.numel > 4 or self.is_complex) else None", [[2.0, 2.0], [2.0, 2.0]]),
        ("self: -(-grad) * result.sum() % 3", [[1.0, 1.0], [1.0, 1.0]]),
        ("self: max.dim(grad * 5, 0)[0].expand(self.shape)", [[5.0, 5.0], [5.0, 5.0]]),
    ],
)
def test_expressions(rule: str, result: list) -> None:
    done = run(rule)
    assert done.stdout.strip() == str(result), done.stderr
