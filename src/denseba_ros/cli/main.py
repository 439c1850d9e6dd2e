"""The ``denseba`` command: parses the command line, runs one command, says what went wrong."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from denseba_ros.cli.exit_status import INTERRUPTED, WRONG_USE
from denseba_ros.cli.parser import build_parser
from denseba_ros.errors import DensebaError
from denseba_ros.notices import show_notices

NEED_ROS = "source its setup.bash, or pip install 'denseba_ros[ros]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status, 2 on an error that the user can mend.

    Raises:
        SystemExit: with status 2 on an unknown command or option, 0 after ``--help``.
    """
    show_notices()
    arguments = _without_ros_arguments(sys.argv[1:] if argv is None else argv)
    name = next((word for word in arguments if not word.startswith("-")), None)
    try:
        args = build_parser(arguments).parse_args(arguments)
        return int(args.run(args))
    except DensebaError as error:
        print(f"denseba {name}: {error}", file=sys.stderr)
        return WRONG_USE
    except ModuleNotFoundError as error:
        if not _belongs_to_ros(error.name or ""):
            raise
        print(f"denseba {name}: ROS 2 is not here ({error}); {NEED_ROS}", file=sys.stderr)
        return WRONG_USE
    except OSError as error:
        if not _is_of_a_file(error):
            raise
        print(f"denseba {name}: {_file_error(error)}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED


def replay_node() -> int:
    """``denseba replay`` as an executable that ``ros2 run`` and ``ros2 launch`` can start."""
    return main(["replay", *sys.argv[1:]])


def _is_of_a_file(error: OSError) -> bool:
    """Whether it is about a path that the user gave, or about the disk."""
    return error.filename is not None or error.errno == errno.ENOSPC


def _file_error(error: OSError) -> str:
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{error.strerror or error}"


def _belongs_to_ros(module: str) -> bool:
    package = module.partition(".")[0]
    return package == "rclpy" or package.endswith(("_msgs", "_srvs", "_interfaces"))


def _without_ros_arguments(arguments: Sequence[str]) -> list[str]:
    """Drop ``--ros-args ... [--]``: rclpy.init reads those from sys.argv by itself."""
    kept: list[str] = []
    in_ros = False
    for word in arguments:
        if word == "--ros-args":
            in_ros = True
        elif in_ros and word == "--":
            in_ros = False
        elif not in_ros:
            kept.append(word)
    return kept


if __name__ == "__main__":
    sys.exit(main())
