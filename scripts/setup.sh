#!/bin/sh
# Create or update .venv with everything that denseba needs, and write env.sh.
# Does nothing when neither the files it depends on nor the ROS 2 around it changed.
# PYTHON=... chooses the interpreter (3.10 or later).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.venv
stamp=$venv/denseba-setup
cd "$root"

fail() {
    echo "make: $*" >&2
    exit 1
}

# --- which ROS 2 and which Python ---------------------------------------------------------------

# A ROS 2 distribution is sourced, and not just our own env.sh.
ros_is_sourced() {
    [ -n "${ROS_DISTRO:-}" ] && [ -n "${AMENT_PREFIX_PATH:-}" ] &&
        [ "${DENSEBA_WHEELS_ENV:-}" != "$venv" ]
}

is_supported() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

# PYTHON, or the one that ROS 2 was built for, or the one that .venv has, or the first that fits;
# always the interpreter itself, never that of a virtual environment.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_supported "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.10 to 3.14."
        candidates=$PYTHON
    elif ros_is_sourced; then
        candidates=/usr/bin/python3
    else
        candidates="$venv/bin/python python3 python3.12 python3.11 python3.13 python3.10"
    fi
    for candidate in $candidates; do
        command -v "$candidate" >/dev/null 2>&1 && is_supported "$candidate" || continue
        "$candidate" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'
        return
    done
    ros_is_sourced && fail "ROS 2 $ROS_DISTRO is sourced, but its Python is older than 3.10." \
        "Use ROS 2 Humble or later, or a shell without ROS 2 (then it comes from wheels)."
    fail "no Python 3.10 to 3.14 found. Install one (sudo apt install python3 python3-venv)," \
        "or name one: make PYTHON=/path/to/python3.12 ..."
}

# The distribution that is sourced, else "wheels".
ros_kind() {
    ros_is_sourced || { echo wheels && return; }
    "$1" -c "import rclpy" >/dev/null 2>&1 ||
        fail "ROS 2 $ROS_DISTRO is sourced, but $1 cannot import rclpy. Choose the Python that it" \
            "was built for (make PYTHON=...), or use a shell without it (ROS 2 from wheels)."
    echo "$ROS_DISTRO"
}

# --- what only the administrator can install ------------------------------------------------------

check_prerequisites() {
    missing=""
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python$version-venv"
    if [ "$ros" = wheels ]; then
        [ "$(uname -m)" = x86_64 ] ||
            fail "there are no ROS 2 wheels for $(uname -m): install ROS 2 and source its setup.bash."
        command -v cmake >/dev/null 2>&1 || missing="$missing cmake"
        command -v g++ >/dev/null 2>&1 || missing="$missing g++"
        command -v make >/dev/null 2>&1 || missing="$missing make"
        "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
            missing="$missing python$version-dev"
    fi
    [ -z "$missing" ] || fail "something is missing; install it with:
    sudo apt install$missing"
}

# --- the environment --------------------------------------------------------------------------------

create_venv() {
    if [ -f "$venv/bin/python" ]; then
        built_for="$("$venv/bin/python" -c 'import sys; print(sys.base_prefix, *sys.version_info[:2])' \
            2>/dev/null || true) $(sed -n 's/^include-system-site-packages = //p' "$venv/pyvenv.cfg")"
        wanted="$("$python" -c 'import sys; print(sys.base_prefix, *sys.version_info[:2])') $system"
        [ "$built_for" = "$wanted" ] && return
        echo "The environment in .venv is for another Python or ROS 2: making it anew."
        rm -rf "$venv"
    fi
    if [ "$system" = true ]; then
        "$python" -m venv --system-site-packages "$venv"
    else
        "$python" -m venv "$venv"
    fi
}

install_packages() {
    if [ "$ros" = wheels ]; then
        "$venv/bin/python" -m pip install -c requirements/constraints.txt \
            -r requirements/ros-build.txt colcon-common-extensions -e ".[ros,evaluate,matching,training,depth-models,view,calibrate,benchmark,docs,dev]"
        sh scripts/build_tf2_msgs.sh "$venv"
    else
        # ROS 2's own Python modules are compiled for the system's NumPy: keep that one.
        numpy=$("$python" -c 'import numpy; print(numpy.__version__)') ||
            fail "ROS 2's Python modules need NumPy: sudo apt install python3-numpy"
        echo "numpy==$numpy" >"$venv/constraints.txt"
        "$venv/bin/python" -m pip install -c "$venv/constraints.txt" \
            colcon-common-extensions -e ".[evaluate,matching,training,depth-models,view,calibrate,docs,dev]"
    fi
}

# .venv/local_setup.*: what a colcon workspace that is built here sources before its own packages.
write_prefix() {
    for shell in sh bash zsh; do
        {
            echo "export VIRTUAL_ENV='$venv' PATH='$venv/bin':\"\$PATH\""
            if [ "$ros" = wheels ]; then
                echo "export DENSEBA_WHEELS_ENV='$venv' ROS_DISTRO=jazzy"
                echo "export AMENT_PREFIX_PATH='$venv' CMAKE_PREFIX_PATH='$venv'"
            fi
        } >"$venv/local_setup.$shell"
    done
}

write_env() {
    {
        echo "# Generated by scripts/setup.sh. Source it in every shell that runs denseba or its nodes."
        if [ "$ros" != wheels ]; then
            prefix=$("$python" -c 'import pathlib, rclpy; print(pathlib.Path(rclpy.__file__).parents[4])')
            echo "[ \"\${ROS_DISTRO:-}\" = $ros ] || . '$prefix/setup.sh'"
        fi
        echo ". '$venv/local_setup.sh'"
        echo "denseba_profile='$root/config/transport/fastdds.xml'"
        echo ": \"\${FASTRTPS_DEFAULT_PROFILES_FILE=\$denseba_profile}\" # Jazzy and earlier"
        echo ": \"\${FASTDDS_DEFAULT_PROFILES_FILE=\$denseba_profile}\" # Kilted and later"
        echo "export FASTRTPS_DEFAULT_PROFILES_FILE FASTDDS_DEFAULT_PROFILES_FILE"
        echo "unset denseba_profile"
        echo "if [ -f '$root/ros2_ws/install/local_setup.sh' ]; then"
        echo "    . '$root/ros2_ws/install/local_setup.sh'"
        echo "fi"
    } >env.sh
}

# --- all of it -----------------------------------------------------------------------------------------

python=$(find_python)
ros=$(ros_kind "$python")
system=$([ "$ros" = wheels ] && echo false || echo true)
fingerprint="$root $python $("$python" -V) $ros $(cat setup.py scripts/*.sh requirements/* \
    ros2_ws/tf2_msgs/CMakeLists.txt ros2_ws/tf2_msgs/msg/* | cksum)"
if [ -f "$stamp" ] && [ -f env.sh ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

check_prerequisites
echo "Setting up .venv with $("$python" -V), ROS 2 from $ros (minutes the first time) ..."
create_venv
touch "$venv/COLCON_IGNORE"
install_packages
write_prefix
write_env
echo "$fingerprint" >"$stamp"
