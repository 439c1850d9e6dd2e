"""What the evaluation of learned matches prints."""

from __future__ import annotations

from collections.abc import Sequence

from denseba_ros.benchmark.backend.backend_table import aligned
from denseba_ros.training.matching.match_evaluation import DEGREES, PairScore


def score_table(name: str, scores: Sequence[PairScore], samples: int) -> str:
    """One row a gap: area under the curve of the pose error, in percent."""
    limits = [f"{kind} AUC@{limit:.0f}" for kind in ("uniform", "learned") for limit in DEGREES]
    rows = [
        (
            f"{score.gap}",
            f"{score.pairs}",
            *(f"{value:.1f}" for value in (*score.uniform, *score.learned)),
        )
        for score in scores
    ]
    title = f"{name}: {samples} samples a pair, pose error up to 5 and 10 degrees"
    return "\n".join([title, *aligned([("gap", "pairs", *limits), *rows])])
