"""Bag or sequence -> denseba: ``ros2 launch denseba_ros replay.launch.py bag:=PATH rviz:=true``.

Everything ends with the replay.
"""

from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from denseba_ros.resources import share_file
from launch import LaunchContext, LaunchDescription

PASSED_ON = ("namespace", "params_file", "use_sim_time", "rviz", "distributed")
# Where the player publishes. Given explicitly, so that an `image:=` of the command line, which
# every included file would see, cannot move the node away from the player.
CAMERA = {"image": "image", "camera_info": "camera_info", "imu": "imu"}


def generate_launch_description() -> LaunchDescription:
    """The graph of denseba.launch.py, fed by ``denseba replay`` instead of a camera."""
    return LaunchDescription([*declare_arguments(), graph(), OpaqueFunction(function=replay)])


def declare_arguments() -> list[DeclareLaunchArgument]:
    return [
        DeclareLaunchArgument(
            "bag", description="rosbag2 or ROS 1 bag, video, or folder that `denseba run` reads."
        ),
        DeclareLaunchArgument("rate", default_value="1.0", description="Times real time."),
        DeclareLaunchArgument(
            "lockstep",
            default_value="false",
            description="Publish an image only when the last one was processed: none is dropped.",
        ),
        DeclareLaunchArgument(
            "topic", default_value="", description="Image topic of the bag, if it holds several."
        ),
        DeclareLaunchArgument(
            "intrinsics",
            default_value="",
            description="fx,fy,cx,cy[,k1,k2,p1,p2] or a file, if the recording has none.",
        ),
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of the nodes and their topics."
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=str(share_file("config/denseba.yaml")),
            description="YAML file with the parameters; the default lists every one.",
        ),
        DeclareLaunchArgument(
            "use_sim_time", default_value="true", description="Take the time from the replay."
        ),
        DeclareLaunchArgument(
            "rviz", default_value="false", description="Start RViz2 with path, TF, depth, points."
        ),
        DeclareLaunchArgument(
            "distributed",
            default_value="false",
            description="Run frontend and backend as two processes instead of one.",
        ),
    ]


def graph() -> GroupAction:
    """denseba.launch.py in a scope of its own: what it sets does not come back here."""
    arguments = CAMERA | {name: LaunchConfiguration(name) for name in PASSED_ON}
    source = PythonLaunchDescriptionSource(str(share_file("launch/denseba.launch.py")))
    include = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    return GroupAction([include], scoped=True)


def replay(context: LaunchContext) -> list[RegisterEventHandler | Node]:
    """The player; it publishes the clock, so it must not use simulated time itself."""

    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    arguments = [value("bag"), "--rate", value("rate")]
    for name in ("topic", "intrinsics"):
        if value(name):
            arguments += [f"--{name}", value(name)]
    if value("lockstep").lower() in ("true", "1"):
        arguments.append("--lockstep")
    player = Node(
        package="denseba_ros",
        executable="replay_node",
        namespace=LaunchConfiguration("namespace"),
        arguments=arguments,
        output="screen",
    )
    ending = OnProcessExit(target_action=player, on_exit=shut_down)
    return [RegisterEventHandler(ending), player]


def shut_down(event: ProcessExited, _: LaunchContext) -> list[LogInfo | Shutdown]:
    """End everything with the player, and say how that ended; 2 is an input that it refused."""
    text = f"the replay ended with status {event.returncode}"
    return [LogInfo(msg=f"{text}: shutting down"), Shutdown(reason=text)]
