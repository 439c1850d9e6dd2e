"""Messages are joined by stamp, and what lost a part is given up."""

from __future__ import annotations

from denseba_ros.nodes.inputs.exact_time_sync import ExactTimeSync


def test_parts_are_joined_in_any_order_of_topics() -> None:
    sync = ExactTimeSync(["a", "b"])
    assert sync.add("a", 1, "a1") == (None, [])
    assert sync.add("a", 2, "a2") == (None, [])
    assert sync.add("b", 1, "b1") == ({"a": "a1", "b": "b1"}, [])
    assert sync.add("b", 2, "b2") == ({"a": "a2", "b": "b2"}, [])


def test_a_set_that_lost_a_part_is_given_up_when_a_later_one_is_complete() -> None:
    sync = ExactTimeSync(["a", "b"])
    sync.add("a", 1, "a1")
    sync.add("a", 2, "a2")
    assert sync.add("b", 2, "b2") == ({"a": "a2", "b": "b2"}, [1])


def test_it_does_not_grow_without_end() -> None:
    sync = ExactTimeSync(["a", "b"], capacity=3)
    given_up = [stamp for i in range(10) for stamp in sync.add("a", i, None)[1]]
    assert given_up == [0, 1, 2, 3, 4, 5, 6]
