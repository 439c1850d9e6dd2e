"""The tracker never waits for what is shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from denseba_ros.slam.state.estimate import DepthMap, Keyframe
from denseba_ros.viewer.live_view import LiveView
from denseba_ros.viewer.mailbox import Mail
from tests.viewer.conftest import CALIBRATION, at_x

IMAGE = np.zeros((48, 64), np.uint8)


class Display:
    """Shows nothing before it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.shown: list[Mail] = []
        self.is_closed = False

    def show(self, mail: Mail) -> None:
        assert self.go.wait(60.0)
        self.shown.append(mail)

    def close(self) -> None:
        self.is_closed = True


def test_a_slow_display_leaves_images_out_but_no_keyframes(
    make_estimate: Callable[..., Any], make_keyframe: Callable[[int], Keyframe]
) -> None:
    display = Display()
    with LiveView(display) as view:
        for k in range(50):
            view.add_keyframes([make_keyframe(k)])
            view.show(make_estimate(k), IMAGE, CALIBRATION, 0.01)
        view.update_keyframe_poses({0: at_x(7.0)})
        display.go.set()
    assert display.is_closed
    assert [k.id for mail in display.shown for k in mail.keyframes] == list(range(50))
    images = [mail.image.estimate for mail in display.shown if mail.image is not None]
    assert images[-1].T_world_camera[0, 3] == 49.0
    assert len(images) + view.images_left_out == 50
    assert view.images_left_out > 40
    assert display.shown[-1].poses[0][0, 3] == 7.0


def test_a_display_that_fails_is_given_up_with_a_message(
    make_estimate: Callable[..., Any], depth: DepthMap, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Display):
        def show(self, mail: Mail) -> None:
            raise RuntimeError("the screen is gone")

    view = LiveView(Broken())
    view.show_depth(depth)
    view._thread.join(timeout=20)
    with caplog.at_level(logging.ERROR):
        view.show(make_estimate(1), IMAGE, CALIBRATION, 0.01)
        view.begin_world()
        view.close()
    assert "tracking goes on" in caplog.text
    assert "the screen is gone" in caplog.text
    assert view.images_left_out == 0
