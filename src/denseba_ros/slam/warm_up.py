"""A system that is loaded and compiled before its camera is known."""

from __future__ import annotations

from denseba_ros.config import Config
from denseba_ros.device import share_cores
from denseba_ros.frontend.frontend import ANY_CAMERA, Frontend
from denseba_ros.frontend.warm_up import warm_up_image
from denseba_ros.slam.system import System


def warmed_up(config: Config, is_live: bool = False) -> System:
    """A system whose models and compiled loops are loaded; it waits for ``change_camera``.

    ``is_live``: tracking and mapping run beside each other, each on half of the cores.

    Raises:
        ConfigurationError: when a model is missing, or the device is not there.
    """
    if is_live:
        share_cores()
    system = System(config, ANY_CAMERA, is_live)
    for stamp_ns in range(2):
        system.process(stamp_ns, warm_up_image(config))
    system.reset()
    return system


def warmed_up_backend(config: Config, is_live: bool = False) -> System:
    """The same of a system that gets the frames of a frontend in another process.

    Raises:
        ConfigurationError: when a model is missing, or the device is not there.
    """
    if is_live:
        share_cores()
    models = {"depth_model": "constant", "pose_model": "none"}
    frontend = Frontend(
        config.model_copy(update={"frontend": config.frontend.model_copy(update=models)})
    )
    system = System(config, None, is_live)
    for stamp_ns in range(2):
        system.process_frame(frontend.process(stamp_ns, warm_up_image(config)))
    system.reset()
    return system
