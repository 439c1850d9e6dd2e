"""Which stamps are believed: one clock, and leaps that the next images confirm."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.sequences.stamps.stamp_rule import Judged, StampRule, Verdict

SECOND = 1_000_000_000
PERIOD = SECOND // 30
START = 1_700_000_000 * SECOND
WALL = 1_800_000_000 * SECOND


def regular(count: int, start: int = START, period: int = PERIOD) -> list[int]:
    return [start + i * period for i in range(count)]


def judge(
    stamps: list[int], *, recorded: bool = True, patient: bool = True, **rule: int
) -> list[Judged[int]]:
    """The verdicts on images that were recorded at an even rate."""
    judged: list[Judged[int]] = []
    rules: StampRule[int] = StampRule(patient=patient, **rule)
    for i, stamp in enumerate(stamps):
        judged += rules.push(i, stamp, WALL + i * PERIOD if recorded else None)
    judged += rules.flush()
    return [j for j in judged if j.verdict is not Verdict.HELD]


def used(judged: list[Judged[int]]) -> list[int]:
    return [j.item for j in judged if j.verdict.is_accepted]


def reasons(judged: list[Judged[int]]) -> Counter[str]:
    return Counter(j.verdict.value for j in judged if j.verdict.is_dropped)


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize("start", [0, -SECOND, START])
def test_a_sequence_may_begin_anywhere(start: int, patient: bool) -> None:
    judged = judge(regular(40, start, SECOND // 10), patient=patient)
    assert used(judged) == list(range(40))
    assert [j.stamp_ns for j in judged] == regular(40, start, SECOND // 10)


@pytest.mark.parametrize("patient", [True, False])
def test_zero_is_no_stamp(patient: bool) -> None:
    first = judge([0, *regular(35)], patient=patient)
    assert (used(first), reasons(first)) == (list(range(1, 36)), {"no stamp": 1})
    stamps = regular(36)
    stamps[9] = stamps[20] = 0
    judged = judge(stamps, patient=patient)
    assert len(used(judged)) == 34
    assert reasons(judged) == {"no stamp": 2}


@pytest.mark.parametrize("patient", [True, False])
def test_without_any_stamps_the_recording_is_the_clock_of_all(patient: bool) -> None:
    # The last has a stamp, which is of another clock.
    judged = judge([0] * 20 + [START], patient=patient)
    assert [j.stamp_ns for j in judged if j.verdict.is_accepted] == regular(21, WALL)


def test_the_last_zeros_of_a_short_recording_get_its_time() -> None:
    assert [j.stamp_ns for j in judge([0, 0])] == regular(2, WALL)
    assert used(judge([0], recorded=False)) == [0]


@pytest.mark.parametrize("leap", [-10.0, -0.9, 0.3, 0.9, 1.05, 10.0, 3e7])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("patient", [True, False])
def test_outliers_are_dropped_and_all_others_used(
    leap: float, count: int, recorded: bool, patient: bool
) -> None:
    stamps = regular(36)
    for i in range(12, 12 + count):
        stamps[i] += round(leap * SECOND)
    judged = judge(stamps, recorded=recorded, patient=patient)
    assert used(judged) == [i for i in range(36) if not 12 <= i < 12 + count]


def test_a_wrong_first_stamp_does_not_cost_the_rest() -> None:
    stamps = regular(36)
    stamps[0] += 9 * SECOND // 10
    assert used(judge(stamps)) == list(range(1, 36))


def test_a_clock_that_is_set_back_ends_a_file_and_restarts_a_node() -> None:
    stamps = regular(12) + regular(24, START - 10 * SECOND)
    judged = judge(stamps)
    assert (len(used(judged)), reasons(judged)) == (12, {"stamps go back": 24})
    live = judge(stamps, patient=False)
    assert len(used(live)) == 36
    assert [j.item for j in live if j.verdict is Verdict.RESTART] == [12]


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_gap_is_believed_when_the_next_images_go_on(patient: bool, recorded: bool) -> None:
    stamps = regular(12) + regular(12, START + 60 * SECOND)
    judged = judge(stamps, patient=patient, recorded=recorded)
    assert used(judged) == list(range(24))
    assert [j.item for j in judged if j.verdict is Verdict.GAP] == [12]


def test_a_gap_that_the_recording_has_too_is_believed_at_once() -> None:
    rule: StampRule[int] = StampRule()
    for i, stamp in enumerate(regular(9)):
        rule.push(i, stamp, WALL + i * PERIOD)
    judged = rule.push(9, START + 7 * SECOND, WALL + 7 * SECOND)
    assert [j.verdict for j in judged] == [Verdict.GAP]


@pytest.mark.parametrize("period", [2 * SECOND, 20 * SECOND])
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_slow_camera_loses_nothing(period: int, count: int) -> None:
    assert used(judge(regular(count, START, period), recorded=False)) == list(range(count))


def test_two_clocks_on_one_topic_give_the_first() -> None:
    stamps = [t for pair in zip(regular(20), regular(20, WALL), strict=True) for t in pair]
    judged = judge(stamps)
    assert used(judged) == list(range(0, 40, 2))
    assert reasons(judged) == {"stamp leaps": 20}


def test_what_another_rule_has_judged_is_believed_at_once() -> None:
    rule: StampRule[int] = StampRule(trusting=True)
    stamps = [0, START, START + 60 * SECOND, START, START + 1]
    judged = [one for i, stamp in enumerate(stamps) for one in rule.push(i, stamp, WALL)]
    verdicts = [j.verdict for j in judged]
    gap, restart, accept = Verdict.GAP, Verdict.RESTART, Verdict.ACCEPT
    assert verdicts == [accept, gap, gap, restart, accept]


def test_late_and_repeated_images_are_named() -> None:
    stamps = regular(12)
    stamps[7], stamps[8] = stamps[8], stamps[7]
    stamps[4] = stamps[3]
    judged = judge(stamps)
    assert reasons(judged) == {
        "duplicate stamp": 1,
        "stamp earlier than the last image's": 1,
    }


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.integers(-(2**62), 2**62),
            st.integers(0, 60).map(lambda i: START + i * PERIOD),
            st.just(0),
        ),
        max_size=40,
    ),
    st.booleans(),
    st.booleans(),
)
def test_each_image_is_used_once_or_dropped_with_a_reason(
    stamps: list[int], patient: bool, recorded: bool
) -> None:
    judged = judge(stamps, patient=patient, recorded=recorded)
    assert sorted(j.item for j in judged) == list(range(len(stamps)))
    accepted = [j for j in judged if j.verdict.is_accepted]
    for before, after in pairwise(accepted):
        rises = after.stamp_ns > before.stamp_ns
        assert rises or (not patient and after.verdict is Verdict.RESTART)


def test_a_few_wild_stamps_cost_only_themselves() -> None:
    generator = random.Random(3)
    stamps = regular(300)
    wild = sorted(generator.sample(range(5, 295), 20))
    for i in wild:
        stamps[i] += generator.choice([-1, 1]) * generator.randrange(SECOND, 10**18)
    assert set(used(judge(stamps, recorded=False))) >= set(range(300)) - set(wild)
