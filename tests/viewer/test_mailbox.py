"""The newest image wins; keyframes wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from denseba_ros.slam.state.estimate import Keyframe
from denseba_ros.viewer.mailbox import Mailbox, SeenImage
from tests.viewer.conftest import CALIBRATION, SECOND, at_x


def seen(estimate: Any) -> SeenImage:
    return SeenImage(estimate, np.zeros((48, 64), np.uint8), CALIBRATION, 0.01)


def test_the_newest_image_replaces_what_nobody_took(make_estimate: Callable[..., Any]) -> None:
    mailbox = Mailbox()
    images = [seen(make_estimate(k)) for k in range(3)]
    for image in images:
        mailbox.put_image(image)
    (mail,) = mailbox.take()
    assert mail.image is images[-1]
    assert mailbox.replaced == 2


def test_keyframes_wait_and_their_newest_poses_count(
    make_keyframe: Callable[[int], Keyframe],
) -> None:
    mailbox = Mailbox()
    for k in range(5):
        mailbox.put_keyframes([make_keyframe(k)], {})
    mailbox.put_keyframes([], {1 * SECOND: at_x(1.5)})
    (mail,) = mailbox.take()
    assert [k.stamp_ns for k in mail.keyframes] == [k * SECOND for k in range(5)]
    x = {stamp // SECOND: T[0, 3] for stamp, T in mail.poses.items()}
    assert x == {0: 0.0, 1: 1.5, 2: 2.0, 3: 3.0, 4: 4.0}


def test_another_world_comes_after_all_of_the_one_before(
    make_keyframe: Callable[[int], Keyframe], make_estimate: Callable[..., Any]
) -> None:
    mailbox = Mailbox()
    mailbox.put_keyframes([make_keyframe(1)], {})
    mailbox.begin_world()
    mailbox.put_image(seen(make_estimate(5)))
    old, new = mailbox.take()
    assert (old.is_new_world, len(old.keyframes), old.image) == (False, 1, None)
    assert (new.is_new_world, new.keyframes) == (True, [])
    assert new.image is not None


def test_taking_waits_for_something_or_the_end(make_keyframe: Callable[[int], Keyframe]) -> None:
    mailbox, taken = Mailbox(), []

    def work() -> None:
        while mails := mailbox.take():
            taken.extend(mails)

    thread = threading.Thread(target=work)
    thread.start()
    mailbox.put_keyframes([make_keyframe(1)], {})
    mailbox.put_keyframes([make_keyframe(2)], {})
    mailbox.close()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert [k.id for mail in taken for k in mail.keyframes] == [1, 2]
