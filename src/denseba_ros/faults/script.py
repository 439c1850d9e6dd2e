"""The script of a camera with faults: windows of one fault each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FAULTS = {
    "good": "images without a fault",
    "silent": "nothing",
    "drop5": "5 % of the images are missing",
    "drop20": "20 % of the images are missing",
    "drop50": "50 % of the images are missing",
    "black": "black images",
    "white": "white images",
    "frozen": "the same image repeatedly",
    "nan": "32FC1 images of NaN",
    "step": "rows shorter than their step",
    "short": "half of the bytes",
    "encoding": "an encoding that does not exist",
    "empty": "images of size 0x0",
    "duplicate": "every image twice",
    "reorder": "images in pairs, the later one first",
    "back": "stamps 100 s earlier, once",
    "burst": "delayed, then sent at ten times the rate",
    "flood": "every image ten times, each with a stamp of its own, at ten times the rate",
    "no info": "no camera_info",
    "zero info": "camera_info of zero focal length",
    "nan info": "camera_info of NaN",
    "other info": "camera_info of twice the image's size",
    "new info": "camera_info with another focal length, from now on",
    "imu cut": "good images, no sample of the IMU",
    "imu burst": "good images, samples of the IMU all at the end",
    "imu clock": "good images, the IMU's stamps 100 s later from now on",
    "imu saturation": "good images, a gyroscope that ends at 0.15 rad/s",
    "imu units": "good images, an IMU in degrees and g",
}
"""Name of a fault to its description."""
USABLE = frozenset(
    {"good", "drop5", "drop20", "drop50", "duplicate", "reorder", "burst", "flood", "no info"}
    | {fault for fault in FAULTS if fault.startswith("imu ")}
)
"""Windows whose images a node can use."""


@dataclass(frozen=True)
class Script:
    """``windows`` of (fault, seconds) in order; ``fps`` in Hz.

    ``frames`` is the folder of a rendered room; ``log`` gets a row for every image: monotonic time,
    stamp in nanoseconds, number of the window, index of the image in the room's sequence.
    ``has_imu``: samples of an IMU are sent beside.
    """

    frames: str
    log: str
    windows: list[tuple[str, float]]
    fps: float = 15.0
    seed: int = 0
    loop: bool = False
    has_imu: bool = False

    @property
    def seconds(self) -> float:
        """Duration of all windows."""
        return sum(seconds for _, seconds in self.windows)

    def save(self, file: Path) -> None:
        """Write the script as JSON."""
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, file: Path) -> Script:
        """Read a script that ``save`` wrote."""
        values = json.loads(file.read_text())
        values["windows"] = [(name, float(seconds)) for name, seconds in values["windows"]]
        return cls(**values)
