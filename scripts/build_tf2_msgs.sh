#!/bin/sh
# Build tf2_msgs into a virtual environment whose ROS 2 comes from wheels, which lack it.
# Usage: build_tf2_msgs.sh VENV
set -eu

venv=$1
source_dir=$(cd "$(dirname "$0")/../ros2_ws/tf2_msgs" && pwd)
# The type hash that every real ROS 2 knows: with another one no other node would understand us.
expected=RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087
description=$venv/share/tf2_msgs/msg/TFMessage.json

if [ -f "$description" ] && grep -q "$expected" "$description" &&
    "$venv/bin/python" -c "import tf2_msgs.msg" 2>/dev/null; then
    exit 0
fi

build_dir=$(mktemp -d)
trap 'rm -rf "$build_dir"' EXIT
export AMENT_PREFIX_PATH="$venv" CMAKE_PREFIX_PATH="$venv" PATH="$venv/bin:$PATH"
echo "Building tf2_msgs ..."
if ! {
    cmake -S "$source_dir" -B "$build_dir" -DCMAKE_INSTALL_PREFIX="$venv" \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$venv/bin/python" &&
        cmake --build "$build_dir" --parallel 2 &&
        cmake --install "$build_dir"
} >"$build_dir/log" 2>&1; then
    tail -40 "$build_dir/log" >&2
    echo "tf2_msgs does not build: see the lines above." >&2
    exit 1
fi
if ! grep -q "$expected" "$description"; then
    echo "tf2_msgs was built, but its type hash is not $expected." >&2
    exit 1
fi
