"""Triton runs its kernels on a CPU when it is told to before it is loaded: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.trains  # it loads torch and builds kernels, each in a process of its own

COMPARED = """
import torch
import torch.nn.functional as F
from ccit.models.word_kernels import nats_of

for words in (300, 9000):  # less than a program reads at a time, and more
    logits, targets = 4 * torch.randn(5, words, generator=torch.manual_seed(0)), torch.tensor([0, 7, 299, 5, 100])
    logits[1, 3] = -torch.inf
    wanted = logits.clone().requires_grad_()
    expected = F.cross_entropy(wanted, targets, reduction="none")
    expected.sum().backward()
    torch.testing.assert_close(nats_of(logits.clone(), targets, gradients=False), expected, rtol=1e-5, atol=1e-5)
    found = nats_of(logits, targets, gradients=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(logits, wanted.grad, rtol=1e-5, atol=1e-6)
"""

PROBED = """
import torch
from ccit.models import word_kernels

class Idle:
    def __getitem__(self, grid):
        return lambda *tensors, **constants: None

assert word_kernels.usable(torch.device("cpu"))
with torch.inference_mode():  # a process that scores first
    assert word_kernels.usable(torch.device("cpu"))
for kernel in ("_gradients", "_nats"):
    real = getattr(word_kernels, kernel)
    setattr(word_kernels, kernel, Idle())
    assert not word_kernels.usable(torch.device("cpu")), kernel
    setattr(word_kernels, kernel, real)
"""

BUILT = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from ccit.models import word_kernels

constants = {"lowest": -3e38, "part": 4096}
arguments = {"targets": "*i64", "logs": "*fp32", "words": "i32", "lowest": "constexpr", "part": "constexpr"}
for kernel, more in ((word_kernels._nats, {"nats": "*fp32"}), (word_kernels._gradients, {})):
    order = {"logits": "*bf16", **arguments, **more}
    signature = {name: order[name] for name in kernel.arg_names}
    built = compile(ASTSource(fn=kernel, signature=signature, constexprs=constants), target=GPUTarget("cuda", 90, 32))
    assert built.asm["ptx"]
"""


def run(program: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_nats_and_gradients_are_those_of_torch() -> None:
    run(COMPARED, TRITON_INTERPRET="1")


def test_either_kernel_is_refused_where_its_numbers_are_wrong() -> None:
    run(PROBED, TRITON_INTERPRET="1")


def test_the_kernels_can_be_built_without_a_gpu() -> None:
    """What the interpreter forgives (annotations that Triton cannot read) the compiler does not."""
    run(BUILT)
