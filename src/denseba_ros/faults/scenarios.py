"""The fault scenarios: script of the camera, further events, and the expected message."""

from __future__ import annotations

from dataclasses import dataclass

_WARM, _AFTER = 7.0, 6.0


@dataclass(frozen=True)
class Scenario:
    """``windows`` of the camera, (fault, seconds); ``message`` must appear in the node's log or
    diagnostics; ``expected`` describes the expected behaviour.

    ``kill`` names a process that is killed and restarted while images come; ``distributed``:
    frontend and backend in two processes; ``sets_parameters``: parameters are set meanwhile.
    ``parameters`` of the node, (name, value); with some of ``imu.`` there is an IMU.
    """

    name: str
    expected: str
    windows: tuple[tuple[str, float], ...]
    message: str = ""
    kill: str = ""
    distributed: bool = False
    sets_parameters: bool = False
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def has_imu(self) -> bool:
        """Whether samples of an IMU are sent."""
        return any(name.startswith("imu.") for name, _ in self.parameters)


def _fault(
    name: str,
    seconds: float,
    message: str,
    expected: str,
    *,
    fault: str = "",
    after: float = _AFTER,
) -> Scenario:
    windows = (("good", _WARM), (fault or name, seconds), ("good", after))
    return Scenario(name, expected, windows, message)


def _imu_fault(
    name: str,
    seconds: float,
    message: str,
    expected: str,
    *,
    before: float = _WARM,
    **parameters: str,
) -> Scenario:
    warm = (("good", before),) if before else ()
    windows = (*warm, (name, seconds), ("good", _AFTER))
    values = {"imu.mode": "inertial", **{f"imu.{k}": v for k, v in parameters.items()}}
    return Scenario(name, expected, windows, message, parameters=tuple(values.items()))


_LOST = "lost: predicted pose, growing covariance, then 1e6; ERROR"
_DROPPED = "dropped, counted, odometry continues predicted"
_KEPT = "refused, the last valid one stays"

# All faults in one run of the node; `denseba faults medley`, not in the table.
MEDLEY = Scenario(
    "medley",
    "survives all faults in one run",
    (
        ("good", 5.0),
        ("black", 1.0),
        ("good", 2.0),
        # Long enough that a node on a loaded machine processes at least one of each.
        ("nan", 1.5),
        ("encoding", 1.5),
        ("empty", 0.3),
        ("step", 0.8),
        ("short", 0.8),
        ("good", 1.5),
        ("duplicate", 0.7),
        ("reorder", 0.7),
        ("zero info", 0.7),
        ("drop50", 2.0),
        ("silent", 1.5),
        ("good", 2.0),
        ("back", 0.1),
        ("good", 5.0),
    ),
    "time jumped back",
)

SCENARIOS: tuple[Scenario, ...] = (
    _fault("drop5", 5.0, "", "tracks the remaining images"),
    _fault("drop20", 5.0, "", "tracks the remaining images"),
    _fault("drop50", 5.0, "", "tracks the remaining images"),
    _fault("silent", 2.0, "", "continues from the last pose"),
    _fault("black", 2.0, "are black", _LOST),
    _fault("white", 2.0, "are white", _LOST),
    _fault("frozen", 3.0, "are frozen", "dropped after 1 s, odometry continues predicted"),
    _fault("duplicate", 2.0, "duplicate stamp", "second one dropped and counted"),
    _fault("reorder", 2.0, "stamp earlier", "late one dropped and counted"),
    _fault("back", 0.1, "time jumped back", "announced reset"),
    _fault("burst", 2.0, "", "ten images wait, the rest counted"),
    _fault("flood", 3.0, "", "ten images wait, the rest counted"),
    _fault("nan", 1.0, "unknown encoding '32FC1'", _DROPPED),
    _fault("step", 1.0, "needs", _DROPPED),
    _fault("short", 1.0, "needs", _DROPPED),
    _fault("encoding", 1.0, "unknown encoding 'bgr7'", _DROPPED),
    _fault("empty", 1.0, "not positive", _DROPPED),
    Scenario(
        "no info at first",
        "waits and names the topic and its publishers",
        (("no info", 7.0), ("good", 8.0)),
        "no camera_info on /camera_info",
    ),
    _fault("no info", 6.0, "", "continues with the last one", after=3.0),
    _fault("zero info", 2.0, "K of camera_info is zero", _KEPT),
    _fault("nan info", 2.0, "/camera_info:", _KEPT),
    _fault("other info", 2.0, "publish the camera_info of this size", "images dropped, reported"),
    _fault("new info", 1.0, "the calibration changed", "announced reset"),
    _imu_fault("imu cut", 3.0, "samples are missing", "goes on with images alone, counted"),
    _imu_fault("imu burst", 3.0, "", "goes on with images alone, then with both"),
    _imu_fault("imu clock", 0.1, "the stamps leapt", "goes on with images alone, counted"),
    _imu_fault(
        "imu saturation",
        3.0,
        "at the end of its range",
        "counted, tracks",
        gyroscope_range="0.15",
    ),
    _imu_fault("imu units", 8.0, "it is in g", "said, goes on with images", before=0.0),
    Scenario("camera killed", "continues from the last pose", (("good", 60.0),), "", kill="camera"),
    Scenario(
        "backend killed",
        "the frontend waits; a new backend is an announced reset",
        (("good", 60.0),),
        "",
        kill="backend_node",
        distributed=True,
    ),
    Scenario(
        "parameters under load",
        "live ones change, others are refused",
        (("good", 12.0),),
        "",
        sets_parameters=True,
    ),
)
