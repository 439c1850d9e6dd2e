"""A system that was loaded before its camera was known."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.frontend.warm_up import warmed_up_frontend
from denseba_ros.slam.system import System
from denseba_ros.slam.warm_up import warmed_up, warmed_up_backend


@pytest.mark.slow
def test_a_warmed_up_system_works_like_a_new_one(system: System, room: Any) -> None:
    warm = warmed_up(system.config)
    warm.change_camera(room.sequence.calibration)
    for stamp, image in zip(room.stamps_ns[:20], room.images[:20], strict=True):
        expected, estimate = system.process(stamp, image), warm.process(stamp, image)
        assert np.array_equal(estimate.T_world_camera, expected.T_world_camera)


@pytest.mark.slow
def test_a_warmed_up_frontend_and_backend_work_like_a_system(system: System, room: Any) -> None:
    threads = torch.get_num_threads()
    try:
        frontend, backend = warmed_up_frontend(system.config), warmed_up_backend(system.config)
    finally:
        torch.set_num_threads(threads)
    for part in (frontend, backend):
        part.change_camera(room.sequence.calibration)
    for stamp, image in zip(room.stamps_ns[:20], room.images[:20], strict=True):
        expected = system.process(stamp, image)
        estimate = backend.process_frame(frontend.process(stamp, image))
        assert np.array_equal(estimate.T_world_camera, expected.T_world_camera)


# What has been compiled or read from disk so far: one signature each.
EVERYTHING = """
import sys
import numba
from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.warm_up import warmed_up

def loaded():
    functions = [f for m in list(sys.modules.values()) if m.__name__.startswith("denseba_ros")
                 for f in vars(m).values() if isinstance(f, numba.core.dispatcher.Dispatcher)]
    return {(f.__name__, str(s)) for f in functions for s in f.signatures}

room = RoomSequence(frames=20, width=320, height=240)
frames = list(room)  # what renders them is compiled here
system = warmed_up(Config.from_dict({"keyframes": {"max_flow": 0.025}}))
warm = loaded()
system.change_camera(room.calibration)
keyframes = sum(system.process(f.stamp_ns, f.image).is_keyframe for f in frames)
assert keyframes > 1, keyframes
print(len(warm), sorted(loaded() - warm))
"""


@pytest.mark.slow
def test_a_warmed_up_system_has_nothing_left_to_compile() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    count, _, later = done.stdout.strip().partition(" ")
    assert int(count) > 10
    assert later == "[]"
