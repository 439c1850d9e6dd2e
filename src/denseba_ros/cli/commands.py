"""Every command of ``denseba``, in the order of ``--help``, and what it does.

The module of ``train depth`` is denseba_ros.cli.train.depth. It has ``add_arguments(parser)`` and
``run(args) -> int``, which returns the exit status.
"""

COMMANDS = {
    "run": "estimate the trajectory and depth of a recorded sequence",
    "evaluate": "compare a run with ground truth",
    "demo": "send a camera through the ROS 2 nodes, and compare with ground truth",
    "benchmark backend": "time the bundle adjustment of one window, beside other solvers",
    "benchmark system": "measure frames per second, stages and memory on a real sequence",
    "benchmark live": "measure what a robot hears of the node at the camera's rate, over DDS",
    "benchmark solvers": "measure accuracy, time and gradients of the minimal solvers",
    "benchmark networks": "time the depth and the pose network, one image at a time",
    "benchmark gpu": "run everything that needs a GPU, each part against its bar",
    "benchmark recovery": "measure how soon the place is found again after black images",
    "train depth": "train the depth network, from stereo, RGB-D, video and the rendered room",
    "train pose": "train the pose network, from streams of images with known poses",
    "train matching": "train the weights of learned matches, through the five-point solver",
    "train places": "train the descriptor of places, and the score that tells them apart",
    "map info": "say what is in a map file",
    "map check": "read all of a map file and name what is damaged",
    "map adjust": "adjust all keyframes and points of a map together",
    "map export": "write a map as trajectory, point cloud, pose graph or COLMAP model",
    "download": "get a sequence of TUM, EuRoC, KITTI, 7-Scenes or TartanAir",
    "calibrate": "estimate a camera's intrinsics from a clip, or check those it has",
    "doctor": "say what is wrong with this machine",
    "compile": "compile the loops for this CPU, so that no first start waits for it",
    "faults": "feed the node faults of cameras, clocks and processes, over DDS",
    "replay": "publish a sequence or bag as camera topics",
    "record": "write a node's outputs to files",
}
GROUPS = {
    "benchmark": "time the system, its bundle adjustment, its solvers and its networks",
    "train": "train a network from recorded sequences",
    "map": "look into a saved map, adjust and export it",
}
"""What the first word of ``benchmark backend`` and of ``train depth`` stands for."""
