"""Forks a process that writes a map without end, for each line of standard input.

A line is the path of the map. What is printed is the writer's number; it appends the number of each
keyframe that it has saved to ``PATH.done``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2

from denseba_ros.map_file.map_file import MapFile
from tests.map_file.made_map import CAMERA, made_edge, made_keyframe, made_pose


def write(path: Path) -> None:
    done = os.open(f"{path}.done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with MapFile(path) as file:
        session = file.begin_session(CAMERA, "parameters")
        first = file.next_keyframe_id()
        for id in range(first, first + 100_000):
            with file.transaction():
                file.add_keyframe(made_keyframe(id, session, count=2000), made_pose(id % 50))
                if id > first:
                    file.add_edge(made_edge(id - 1, id))
            os.write(done, f"{id}\n".encode())
            if id % 7 == 0:
                file.update_poses({k: made_pose(id % 50) for k in range(first, id + 1)})
            if id % 5 == 0:
                file.checkpoint()


def main() -> None:
    cv2.setNumThreads(0)  # a process with threads must not fork
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write(Path(line.strip()))
        print(child, flush=True)


if __name__ == "__main__":
    main()
