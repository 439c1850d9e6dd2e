"""The Triton kernels compile for an H100 without one, and without spilling registers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton comes with torch's CUDA wheels and the dev extra")

# In a process of its own: this one may have defined the kernels for the interpreter.
_SCRIPT = """
import re, subprocess, sys
from pathlib import Path
import torch, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from denseba_ros.backend.kernels.triton_device import energy_kernel, linearise_kernel
from denseba_ros.backend.kernels.triton_kernel import _constants
from denseba_ros.benchmark.backend.room_window import WindowSize, make_room_window

BYTES = ("usable", "valid", "observed_ok")
problem = make_room_window(WindowSize(3, (40, 30), 100, 50), torch.device("cpu")).problem
constants = _constants(problem, 1)
warps = constants.pop("num_warps")
for kernel in (linearise_kernel, energy_kernel):
    types, values = {}, {}
    for place, name in enumerate(kernel.arg_names):
        if name in constants:
            types[name], values[(place,)] = "constexpr", constants[name]
        elif name in ("K", "N", "F"):
            types[name] = "i32"
        else:
            types[name] = "*i64" if name == "hosts" else "*i1" if name in BYTES else "*fp32"
    source = ASTSource(kernel, signature=types, constexprs=values)
    done = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps})
    ptx = Path(sys.argv[1], kernel.__name__ + ".ptx")
    ptx.write_text(done.asm["ptx"])
    ptxas = Path(triton.__file__).parent / "backends/nvidia/bin/ptxas"
    command = [ptxas, "-v", "-arch=sm_90a", ptx, "-o", "/dev/null"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in said, said
    assert not re.search(r"\\b(atom|red)\\.", done.asm["ptx"])
    print(kernel.__name__, "compiled")
"""


@pytest.mark.slow
def test_they_compile_for_sm_90_without_spills_and_atomics(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["linearise_kernel compiled", "energy_kernel compiled"]
