"""The page of results, written from the records that ``benchmarks/results.py`` keeps.

python docs/generators/results_page.py > docs/results.md
python docs/generators/results_page.py --short    prints the table of the README
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).resolve().parents[1] / "results"

# From this load on other work had a good part of the machine.
_SHARED_LOAD = 1.0
_HEAD = """\
# Results

<!-- Written by `python docs/generators/results_page.py > docs/results.md`. -->

Every row below comes from one run. A script made it from what the commands said:

    python benchmarks/results.py run DATA --out RUNS
    python benchmarks/results.py live DATA --out RUNS
    python docs/generators/results_page.py > docs/results.md

- Each row names its commit, its date, the machine and the load. Rows of one commit can be compared.
- *Pose* says which pose was measured. *odometry* is what a robot reads on `odometry`: every
  message, measured or predicted, but not while tracking is lost. *map* is the pose of the camera in
  the map, at the moment of its image. The two are not the same: see [limitations](limitations.md).
  `denseba record` writes both, `denseba run` has *map*, and *final*: the path as the map has it at
  the end, which no robot can have.
- *Timing* says how images came. *lockstep*: each image waits until the one before it is done, as in
  `denseba run`. *live*: images come at the camera's rate, and the node drops those that are too
  many. **A figure in lockstep says nothing about real time.**
- ATE is the absolute trajectory error: the root mean square over those poses, in metres,
  after Sim(3) alignment (rotation, translation and one scale).
- *Length* is the length of the estimated path over the true one, without alignment. 1.00 is right.
- *Worlds that the depth network was trained on are marked.* Judge by the others.

One run says little. Another number of threads, or another first image, moves the error of a drive
by a tenth to a third. Older figures are in [earlier measurements](earlier.md).
"""


_LIVE_HEAD = """\
## At the camera's rate

`denseba benchmark live`: node, replay and listener are three processes over ROS 2. No image waits
for the node.

- *Nodes* is 2 where `frontend_node` and `backend_node` share the work (`distributed:=true`).
- *Busy* is the number of cores that other processes kept busy meanwhile. *Load* is the number of
  processes that wanted a core just before the run. Above 1 the machine was shared, and the row says
  little.
- *Tracked* are the images that were measured. *Dropped* counts the others by reason; without a
  status are those that were lost on the way to the node.
- *Latency* is the time from the publication of an image to the arrival of its `odometry`, for
  measured poses and for all, predicted ones too. 50 %, 95 %, 99 % and the largest.
- *Changes* is how often tracking was lost, and how often `map -> odom` changed.
- *Loop* is how long a fixed loop took just before: the speed of a virtual machine changes with what
  else its host does. Empty where it was not measured.
- *CPU* is the node's time on all cores for an image that it processed.
"""


_GPU_HEAD = """\
## On a GPU

`denseba benchmark gpu` (`make gpu`): each part is a process of its own. A part that did not come to
its end has one row, which says why.
"""


def results_page(
    records: Iterable[dict[str, Any]],
    live: Iterable[dict[str, Any]] = (),
    gpu: Iterable[dict[str, Any]] = (),
) -> str:
    """The page as Markdown: the live runs and those on a GPU, where there are any; accuracy, depth,
    covariance, time, and the stamp of every row."""
    rows, live_rows, gpu_rows = list(records), list(live), list(gpu)
    on_gpu = [_GPU_HEAD, _table(_GPU, _gpu_figures(gpu_rows)), _table(_GPU_STAMP, gpu_rows)]
    at_rate = [_LIVE_HEAD, _table(_LIVE, live_rows), _table(_LIVE_COST, live_rows)]
    return "\n".join(
        [
            _HEAD,
            *(at_rate if live_rows else []),
            *(on_gpu if gpu_rows else []),
            "## Path\n",
            _table(_PATH, rows),
            "## Depth of the keyframes\n",
            "Scaled by the path's own scale. *Before* and *after* are the same pixels before and "
            "after\nthe adjustment, each keyframe scaled by its median. Errors are mean relative "
            "errors (abs rel).\n",
            _table(_DEPTH, [r for r in rows if r["evaluation"].get("depth")]),
            "## Is the covariance honest?\n",
            "Normalised estimation error squared (NEES) of the motion over one second. The mean "
            "should be 6\nfor the pose, 3 for its halves. More is over-confident. Errors of the "
            "ground truth count as ours.\n*In metres* the error of the metric scale counts, and "
            "so does its stated deviation; the others\nare up to scale.\n",
            _table(_NEES, [r for r in rows if r["evaluation"].get("nees")]),
            "## Time\n",
            "Milliseconds for one image, median and 95th percentile. *Load* is the number of "
            "processes that\nwanted a core just before the run. Times of runs that shared the "
            "machine (load above 1)\nare left out: they say nothing. "
            "[Speed](speed.md) has older ones.\n",
            _table(_TIME, [r for r in rows if r["pose"] == "map"]),
            "## Stamps\n",
            _table(_STAMP, rows),
        ]
    )


def short_table(records: Iterable[dict[str, Any]]) -> str:
    """The table of the README: paths alone."""
    columns = (
        *("sequence", "depth network", "path", "tracked"),
        *("ATE", "pose", "timing", "commit"),
    )
    return _table({name: _PATH[name] for name in columns}, list(records))


def _table(columns: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    body = ["| " + " | ".join(cell(row) for cell in columns.values()) + " |" for row in rows]
    return "\n".join([*head, *body]) + "\n"


def _commit(row: dict[str, Any]) -> str:
    return f"`{row['commit']}`"


def _cpu_and_cores(row: dict[str, Any]) -> str:
    return f"{row['machine']['cpu']}, {row['machine']['cores']} cores"


def _loop(row: dict[str, Any]) -> str:
    milliseconds = row["machine"].get("loop_ms")
    return "" if milliseconds is None else f"{milliseconds:.0f} ms"


def _load(row: dict[str, Any]) -> str:
    return f"{row['machine']['load_before']:.1f}"


def _title(row: dict[str, Any]) -> str:
    return str(row["title"])


def _tracked(row: dict[str, Any]) -> str:
    return f"{row['summary']['tracked']} of {row['summary']['frames']}"


def _length(row: dict[str, Any]) -> str:
    return f"{1.0 / row['evaluation']['trajectory']['scale']:.2f}"


def _ate(row: dict[str, Any]) -> str:
    path = row["evaluation"]["trajectory"]
    return f"{path['ate_m']['rmse']:.3f} m ({path['ate_percent_of_path']:.2f} %)"


def _machine(row: dict[str, Any]) -> str:
    """The machine in words: only what anybody may know of it."""
    device, machine = row["summary"].get("device"), row["machine"]
    text = f"{machine['cpu']}, {machine['cores']} cores"
    if device is None:  # a recorder does not see the node's threads
        return text
    threads = device["cpu_threads"]
    return f"{text}, {threads} thread" + "s" * (threads > 1)


def _memory(row: dict[str, Any]) -> str:
    memory = row["summary"].get("peak_memory_mib")
    return f"{memory['host']:.0f} MiB" if memory else ""


def _seconds(stage: str) -> Any:
    def cell(row: dict[str, Any]) -> str:
        times = row["summary"]["seconds_per_frame"].get(stage)
        if (row["machine"]["load_before"] or 0.0) > _SHARED_LOAD:
            return ""
        return f"{times['median'] * 1e3:.0f}, {times['p95'] * 1e3:.0f} ms" if times else ""

    return cell


def _depth(scaling: str) -> Any:
    def cell(row: dict[str, Any]) -> str:
        errors = row["evaluation"]["depth"].get(scaling)
        return f"{errors['abs_rel']:.3f}" if errors else ""

    return cell


def _nees(part: str) -> Any:
    def cell(row: dict[str, Any]) -> str:
        nees = row["evaluation"]["nees"].get(part) or {}
        return f"{nees['mean']:.1f}, {nees['median']:.1f}" if "mean" in nees else "too few motions"

    return cell


def _metric_nees(row: dict[str, Any]) -> str:
    metric = (row["evaluation"]["nees"].get("metric") or {}).get("pose") or {}
    return f"{metric['mean']:.1f}, {metric['median']:.1f}" if "mean" in metric else ""


def _live_tracked(row: dict[str, Any]) -> str:
    images = row["images"]
    return f"{images['tracked']} of {images['published']}"


def _live_dropped(row: dict[str, Any]) -> str:
    images = row["images"]
    reasons = {**images["dropped"], "without a status": images["without_status"]}
    return ", ".join(f"{n} {reason}" for reason, n in reasons.items() if n) or "none"


def _latency(which: str) -> Any:
    def cell(row: dict[str, Any]) -> str:
        spread = row["latency_ms"][which]
        if spread is None:
            return "none"
        return ", ".join(f"{spread[k]:.0f}" for k in ("p50", "p95", "p99", "max")) + " ms"

    return cell


def _live_ate(pose: str) -> Any:
    def cell(row: dict[str, Any]) -> str:
        return _ate({"evaluation": {"trajectory": row[pose]}}) if row[pose] else ""

    return cell


def _live_changes(row: dict[str, Any]) -> str:
    changes = row["map_to_odom"]
    heard = "not heard" if changes is None else str(changes["changes"])
    return f"{row['losses']}, {heard}"


def _live_cpu(row: dict[str, Any]) -> str:
    each = row["node"]["cpu_ms_per_processed_image"]
    return "" if each is None else f"{each:.0f} ms"


def _live_parameters(row: dict[str, Any]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in row["parameters"].items())


def _gpu_figures(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a figure, and one a part that did not come to its end."""
    rows = []
    for record in records:
        for part in record["parts"]:
            stamp = {"gpu": record["gpu"]["name"], "commit": record["commit"]}
            stamp["part"] = part["title"]
            if part["status"] != "done":
                said = part["reason"].replace("|", "/")
                rows.append({**stamp, "name": part["status"], "said": said})
            rows += [{**stamp, **figure} for figure in part["figures"]]
    return rows


def _gpu_value(row: dict[str, Any]) -> str:
    if "said" in row:
        return str(row["said"])
    value = "not a number" if row["value"] is None else f"{row['value']:.4g}"
    return f"{value} {row['unit']}".rstrip()


def _gpu_bar(row: dict[str, Any]) -> str:
    if row.get("bar") is None:
        return ""
    side = "at least" if row["is_least"] else "at most"
    return f"{side} {row['bar']:.3g}" + ("" if row["is_met"] else ", **missed**")


_GPU = {
    "GPU": lambda row: row["gpu"],
    "part": lambda row: row["part"],
    "figure": lambda row: row["name"],
    "value": _gpu_value,
    "bar": _gpu_bar,
    "commit": _commit,
}
_GPU_STAMP = {
    "GPU": lambda row: row["gpu"]["name"],
    "driver": lambda row: row["gpu"]["driver"] or "not known",
    "torch": lambda row: row["versions"]["torch"],
    "Triton": lambda row: row["gpu"]["triton"] or "none",
    "machine": _cpu_and_cores,
    "load": _load,
    "date": lambda row: row["date"],
    "commit": _commit,
}
_LIVE = {
    "sequence": _title,
    "depth network": lambda row: row["note"],
    "nodes": lambda row: "2" if row["distributed"] else "1",
    "busy": lambda row: str(row["load"]),
    "tracked": _live_tracked,
    "dropped": _live_dropped,
    "latency, measured": _latency("measured"),
    "latency, all": _latency("all"),
    "ATE of odometry": _live_ate("odometry"),
    "ATE of map": _live_ate("map"),
    "commit": _commit,
}
_LIVE_COST = {
    "sequence": _title,
    "nodes": lambda row: "2" if row["distributed"] else "1",
    "busy": lambda row: str(row["load"]),
    "rate": lambda row: f"{row['rate']:g}",
    "parameters": _live_parameters,
    "changes": _live_changes,
    "CPU": _live_cpu,
    "memory": lambda row: f"{row['node']['peak_memory_mib']:.0f} MiB",
    "load": _load,
    "loop": _loop,
    "machine": _cpu_and_cores,
    "date": lambda row: row["date"],
    "commit": _commit,
}
_PATH = {
    "sequence": _title,
    "depth network": lambda row: row["note"],
    "path": lambda row: f"{row['evaluation']['trajectory']['path_length_m']:.1f} m",
    "tracked": _tracked,
    "ATE": _ate,
    "length": _length,
    "pose": lambda row: row["pose"],
    "timing": lambda row: row["timing"],
    "commit": _commit,
}
_DEPTH = {
    "sequence": _title,
    "true pixels estimated": lambda row: (
        f"{100 * row['evaluation']['depth']['share_of_true_pixels_estimated']:.0f} %"
    ),
    "path's scale": _depth("trajectory_scaled"),
    "unscaled": _depth("unscaled"),
    "before": _depth("before_adjustment"),
    "after": _depth("after_adjustment"),
    "commit": _commit,
}
_NEES = {
    "sequence": _title,
    "motions": lambda row: str(row["evaluation"]["nees"]["motions"]),
    "pose: mean, median (6)": _nees("pose"),
    "pose in metres (6)": _metric_nees,
    "translation (3)": _nees("translation"),
    "rotation (3)": _nees("rotation"),
    "pose": lambda row: row["pose"],
    "timing": lambda row: row["timing"],
    "commit": _commit,
}
_TIME = {
    "sequence": _title,
    "tracking": _seconds("tracking"),
    "backend": _seconds("backend"),
    "whole image": _seconds("total"),
    "timing": lambda row: row["timing"],
    "keyframes": lambda row: str(row["summary"]["keyframes"]),
    "memory": _memory,
    "load": lambda row: (
        "" if row["machine"]["load_before"] is None else f"{row['machine']['load_before']:.1f}"
    ),
    "commit": _commit,
}
_STAMP = {
    "sequence": _title,
    "pose": lambda row: row["pose"],
    "timing": lambda row: row["timing"],
    "commit": _commit,
    "date": lambda row: row["date"],
    "machine": _machine,
    "torch": lambda row: row["summary"].get("versions", {}).get("torch", ""),
    "depth model": lambda row: row["depth_model"],
}


def read_records(folder: Path = RECORDS) -> list[dict[str, Any]]:
    """All records, by name; of one run odometry comes first."""
    records = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return sorted(records, key=lambda r: (r["name"], r["timing"], r["pose"] != "odometry"))


def read_live_records(folder: Path = RECORDS / "live") -> list[dict[str, Any]]:
    """The records of live runs, by name, the less loaded first; none without the folder."""
    records = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return sorted(records, key=lambda r: (r["name"], r["distributed"], r["load"], -r["rate"]))


def read_gpu_records(folder: Path = RECORDS / "gpu") -> list[dict[str, Any]]:
    """The records of runs on a GPU, by file name; none without the folder."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


if __name__ == "__main__":
    is_short = "--short" in sys.argv[1:]
    records = read_records()
    pages = (records, read_live_records(), read_gpu_records())
    page = short_table(records) if is_short else results_page(*pages)
    sys.stdout.write(page)
