"""Whether a recording has a calibration; whether that is right, `denseba calibrate` can tell."""

from __future__ import annotations

from denseba_ros.doctor.check import Check
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.camera_info_message import doubts_about


def check_calibration(calibration: Calibration | None, error: str, sequence: str) -> Check:
    """``calibration`` of the recording, None with the ``error`` that says why not."""
    if calibration is None:
        remedy = f"denseba calibrate {sequence} --out camera.yaml, then --intrinsics camera.yaml"
        return Check("calibration", "FAIL", error, remedy)
    c = calibration
    text = (
        f"fx {c.fx:.1f}, fy {c.fy:.1f}, cx {c.cx:.1f}, cy {c.cy:.1f}, {c.model}, "
        f"for {c.width}x{c.height}"
    )
    compare = f"denseba calibrate {sequence} compares it with the images"
    if doubts := doubts_about(c):
        return Check("calibration", "WARN", f"{text}; {doubts}", compare)
    if abs(c.fx / c.fy - 1.0) > 0.05:
        return Check("calibration", "WARN", f"{text}; fx and fy differ by much", compare)
    return Check("calibration", "OK", f"{text}; {compare}")
