"""Camera -> odometry, TF, depth: ``ros2 launch denseba_ros denseba.launch.py``.

    ros2 launch denseba_ros denseba.launch.py image:=/camera/image_raw \
        camera_info:=/camera/camera_info rviz:=true
    ros2 launch denseba_ros denseba.launch.py camera:=realsense odom_frame:=vo
"""

import os
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition, UnlessCondition
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from denseba_ros import transport
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.launching.camera_topics import TOPICS, camera_topics, known_drivers
from denseba_ros.nodes.launching.overrides import (
    OVERRIDES,
    existing_params_file,
    node_settings,
    parameter_overrides,
)
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.resources import share_file
from denseba_ros.viewer.rviz_file import rviz_file
from launch import LaunchContext, LaunchDescription

# The topics of RViz' configuration are global; this remaps them into the namespace.
OUTPUTS = (
    *("odometry", "path", "keyframes", "points", "depth/preview", "depth/preview/compressed"),
    *("pose", "map_path", "map_points", "loop_closures", "initialpose"),
)


def generate_launch_description() -> LaunchDescription:
    """One process by default, frontend and backend in two with ``distributed:=true``."""
    show = OpaqueFunction(function=rviz, condition=IfCondition(LaunchConfiguration("rviz")))
    start = OpaqueFunction(function=nodes)
    return LaunchDescription([*declare_arguments(), *image_transport(), start, show])


def declare_arguments() -> list[DeclareLaunchArgument]:
    return [
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of the nodes and their topics."
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=str(share_file("config/denseba.yaml")),
            description="YAML file with the parameters; the default lists every one.",
        ),
        DeclareLaunchArgument(
            "use_sim_time", default_value="false", description="Take the time from /clock (bags)."
        ),
        DeclareLaunchArgument(
            "rviz", default_value="false", description="Start RViz2 with path, TF, depth, points."
        ),
        DeclareLaunchArgument(
            "camera",
            default_value="",
            description=f"Topics of a driver: {', '.join(sorted(known_drivers()))}.",
        ),
        DeclareLaunchArgument(
            "image",
            default_value="",
            description="Topic of the images; IMAGE/compressed with node.image_transport.",
        ),
        DeclareLaunchArgument(
            "camera_info", default_value="", description="Topic of the calibration."
        ),
        DeclareLaunchArgument(
            "depth_in",
            default_value="",
            description="Topic of the registered depth images, with frontend.depth_model 'topic'.",
        ),
        DeclareLaunchArgument(
            "imu", default_value="", description="Topic of the IMU, unless imu.mode is 'off'."
        ),
        DeclareLaunchArgument(
            "log_level", default_value="info", description="debug, info, warn, error or fatal."
        ),
        DeclareLaunchArgument(
            "respawn",
            default_value="false",
            description="Start a node that ended again, 2 s later.",
        ),
        DeclareLaunchArgument(
            "map_file",
            default_value="",
            description="Map below node.map_folder to be gone on with, or as map_mode says.",
        ),
        DeclareLaunchArgument(
            "map_mode",
            default_value="",
            description="mapping, localisation or off; without it map_file is for mapping.",
        ),
        DeclareLaunchArgument(
            "distributed",
            default_value="false",
            description="Run frontend and backend as two processes instead of one.",
        ),
        *(
            DeclareLaunchArgument(
                name, default_value="", description=f"{text} Empty: as in params_file."
            )
            for name, text in OVERRIDES.items()
        ),
    ]


def image_transport() -> list[SetEnvironmentVariable]:
    """Set the DDS profile for images, unless the user chose another one."""
    environment = dict(os.environ)
    transport.activate(environment)
    return [
        SetEnvironmentVariable(variable, environment[variable])
        for variable in (*transport.PROFILE_VARIABLES, transport.RANGE_VARIABLE)
        if variable in environment
    ]


def nodes(context: LaunchContext) -> list[Node]:
    """One node or two, with the parameters and topics that the arguments ask for."""
    distributed = LaunchConfiguration("distributed")
    return [
        denseba(context, "denseba_node", UnlessCondition(distributed)),
        denseba(context, "frontend_node", IfCondition(distributed)),
        denseba(context, "backend_node", IfCondition(distributed)),
    ]


def denseba(context: LaunchContext, executable: str, condition: IfCondition) -> Node:
    overrides = parameter_overrides(given(context, *OVERRIDES)) | map_parameters(context)
    return Node(
        package="denseba_ros",
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        parameters=[str(params_file(context)), sim_time(), *([overrides] if overrides else [])],
        remappings=list(topics(context).items()),
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        respawn=given(context, "respawn")["respawn"].lower() in ("true", "1"),
        respawn_delay=2.0,
        condition=condition,
        output="screen",
    )


def map_parameters(context: LaunchContext) -> dict[str, Any]:
    """What map_file and map_mode set; without them the parameter file counts."""
    file, mode = given(context, "map_file", "map_mode").values()
    values = {"map.file": file, "map.mode": mode or ("mapping" if file else "")}
    return {name: value for name, value in values.items() if value}


def given(context: LaunchContext, *names: str) -> dict[str, Any]:
    return {name: LaunchConfiguration(name).perform(context) for name in names}


def params_file(context: LaunchContext) -> Path:
    return existing_params_file(LaunchConfiguration("params_file").perform(context))


def topics(context: LaunchContext) -> dict[str, str]:
    camera = LaunchConfiguration("camera").perform(context)
    return camera_topics(camera, given(context, *TOPICS))


def rviz(context: LaunchContext) -> list[Node]:
    """RViz2, or a warning where it is not installed: the nodes run without it."""
    if not rviz_is_installed():
        get_logger("denseba").warning(
            "rviz2 is not installed: going on without it (sudo apt install ros-$ROS_DISTRO-rviz2)"
        )
        return []
    return [
        Node(
            package="rviz2",
            executable="rviz2",
            name="rviz",
            namespace=LaunchConfiguration("namespace"),
            arguments=["-d", str(rviz_configuration(context))],
            parameters=[sim_time()],
            remappings=[
                ("/image", topics(context)["image"]),
                *((f"/{name}", name) for name in OUTPUTS),
            ],
        )
    ]


def rviz_configuration(context: LaunchContext) -> Path:
    """The shipped one, with the frames that the parameters name or the arguments name."""
    try:
        overrides = parameter_overrides(given(context, *OVERRIDES))
        settings = node_settings(params_file(context), overrides)
    except ConfigurationError as error:
        get_logger("denseba").warning(f"RViz is given the default frames: {error}")
        settings = NodeConfig()
    return rviz_file(settings.odom, settings.base)


def rviz_is_installed() -> bool:
    try:
        return (Path(get_package_prefix("rviz2")) / "lib" / "rviz2" / "rviz2").is_file()
    except PackageNotFoundError:
        return False


def sim_time() -> dict[str, ParameterValue]:
    return {"use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}
