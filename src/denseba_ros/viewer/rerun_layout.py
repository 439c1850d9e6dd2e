"""Where rerun's viewer puts what is logged."""

from __future__ import annotations

import rerun.blueprint as rrb

WORLD = "world"
CAMERA = f"{WORLD}/camera"
IMAGE = f"{CAMERA}/image"
KEYFRAMES = f"{WORLD}/keyframes"
DEPTH, DEVIATION = "depth", "deviation"
TIMING, QUALITY, STATE, REASON = "timing", "quality", "state", "reason"
IMAGE_NUMBER, TIME = "image", "time"


def layout() -> rrb.Blueprint:
    """The map beside image, depth and deviation; state, timings and reasons below."""
    pictures = rrb.Vertical(
        rrb.Spatial2DView(origin=IMAGE, name="Image"),
        rrb.Spatial2DView(origin=DEPTH, name="Depth: red 0.5 m, blue 50 m"),
        rrb.Spatial2DView(origin=DEVIATION, name="Deviation of depth: bright 30 %"),
    )
    world = rrb.Spatial3DView(origin=WORLD, name="Map")
    below = rrb.Horizontal(
        rrb.TimeSeriesView(origin=TIMING, name="Milliseconds"),
        rrb.Vertical(
            rrb.StateTimelineView(origin=STATE, name="State"),
            rrb.TimeSeriesView(origin=QUALITY, name="Share of points that fit"),
        ),
        rrb.TextLogView(origin=REASON, name="Why it is not tracked"),
    )
    above = rrb.Horizontal(world, pictures, column_shares=[3, 1])
    return rrb.Blueprint(
        rrb.Vertical(above, below, row_shares=[3, 1]),
        rrb.TimePanel(state="collapsed", timeline=IMAGE_NUMBER),
        rrb.SelectionPanel(state="collapsed"),
        rrb.BlueprintPanel(state="collapsed"),
    )
