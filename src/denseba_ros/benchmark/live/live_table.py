"""The figures of a live run as a small table."""

from __future__ import annotations

from typing import Any


def live_table(report: dict[str, Any]) -> str:
    """What live.json holds, in about a dozen lines."""
    images, poses, node = report["images"], report["poses"], report["node"]
    rows = [
        ("images", f"{images['published']} published, {report['rate']:g} x real time"),
        ("tracked", f"{images['tracked']} ({_percent(images['tracked'], images['published'])})"),
        ("not tracked", f"{images['initialising']} initialising, {images['lost']} lost"),
        ("dropped", _dropped(images)),
        (
            "odometry",
            f"{poses['tracked']} measured, {poses['predicted']} predicted, {poses['lost']} lost; "
            f"{images['without_odometry']} images without",
        ),
        ("latency, measured", _latency(report["latency_ms"]["measured"])),
        ("latency, all", _latency(report["latency_ms"]["all"])),
        ("error of odometry", _error(report["odometry"])),
        ("error of map", _error(report["map"])),
        ("losses", f"{report['losses']}; map -> odom {_changes(report['map_to_odom'])}"),
        ("node", _cost(node)),
    ]
    processes = ", two processes" if report["distributed"] else ""
    head = f"{report['sequence']}, live{processes}, {report['load']} cores kept busy by others"
    return "\n".join([head, *(f"    {name:20}{text}" for name, text in rows)])


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _dropped(images: dict[str, Any]) -> str:
    parts = [f"{count} {reason}" for reason, count in images["dropped"].items()]
    if images["without_status"]:
        parts.append(f"{images['without_status']} without a status")
    return ", ".join(parts) or "none"


def _latency(spread: dict[str, float] | None) -> str:
    if spread is None:
        return "no odometry"
    return (
        f"p50 {spread['p50']:.0f}, p95 {spread['p95']:.0f}, p99 {spread['p99']:.0f}, "
        f"max {spread['max']:.0f} ms ({spread['count']} images)"
    )


def _error(errors: dict[str, Any] | None) -> str:
    if errors is None:
        return "not known"
    return (
        f"{errors['ate_m']['rmse']:.4f} m RMSE after {errors['alignment']} alignment, "
        f"{errors['ate_percent_of_path']:.2f} % of {errors['path_length_m']:.2f} m, "
        f"scale {errors['scale']:.3f}"
    )


def _changes(changes: dict[str, float] | None) -> str:
    if changes is None:
        return "not heard"
    if not changes["changes"]:
        return "never changed"
    return (
        f"changes: {changes['changes']}, by up to {changes['largest_m']:.3f} m and "
        f"{changes['largest_deg']:.2f} degrees"
    )


def _cost(node: dict[str, Any]) -> str:
    each = node["cpu_ms_per_processed_image"]
    return (
        f"{node['cpu_seconds']:.1f} s of CPU ({node['user_seconds']:.1f} user, "
        f"{node['system_seconds']:.1f} system), "
        f"{'-' if each is None else f'{each:.0f} ms'} for each processed image, "
        f"{node['peak_memory_mib']:.0f} MiB at most"
    )
