import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.training.streaming.stream_plan import plan

LENGTHS = st.lists(st.integers(2, 9), min_size=1, max_size=5)


@given(LENGTHS, st.integers(0, 1000))
def test_every_image_comes_once_a_pass(lengths: list[int], seed: int) -> None:
    steps = list(itertools.islice(plan(lengths, 1, seed), 3 * sum(lengths)))
    for number in range(3):
        seen = steps[number * sum(lengths) : (number + 1) * sum(lengths)]
        counted = Counter((p.trajectory, p.frame) for (p,) in seen)
        assert counted == {(t, k): 1 for t, n in enumerate(lengths) for k in range(n)}


@given(LENGTHS, st.integers(1, 4), st.integers(0, 1000))
def test_runs_go_on_frame_by_frame(lengths: list[int], lanes: int, seed: int) -> None:
    steps = list(itertools.islice(plan(lengths, lanes, seed), 40))
    for before, after in itertools.pairwise(steps):
        for a, b in zip(before, after, strict=True):
            assert b.first or (b.trajectory, b.frame) == (a.trajectory, a.frame + 1)
    # A run of one image would show no motion.
    for lane in range(lanes):
        firsts = [places[lane].first for places in steps]
        assert not any(a and b for a, b in itertools.pairwise(firsts))


def test_starting_frames_are_random() -> None:
    steps = itertools.islice(plan([50], 1, 3), 500)
    starts = {places[0].frame for places in steps if places[0].first}
    assert len(starts) > 5


def test_half_of_the_runs_are_mirrored_as_a_whole() -> None:
    steps = [places[0] for places in itertools.islice(plan([12, 9], 1, 5, mirror=True), 2000)]
    for a, b in itertools.pairwise(steps):
        assert b.first or a.mirrored == b.mirrored
    runs = [place.mirrored for place in steps if place.first]
    assert 0.4 < sum(runs) / len(runs) < 0.6
    assert not any(places[0].mirrored for places in itertools.islice(plan([12], 1, 5), 50))
