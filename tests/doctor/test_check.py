"""How checks are shown."""

from __future__ import annotations

from denseba_ros.doctor.check import Check, as_json, as_table, has_failure

GOOD = Check("disk", "OK", "plenty")
BAD = Check("socket buffers", "FAIL", "too small " * 12, "sudo sysctl -w net.core.rmem_max=4194304")


def test_only_a_fail_is_a_failure() -> None:
    assert not has_failure([GOOD, Check("evo", "WARN", "absent", "install it")])
    assert has_failure([GOOD, BAD])


def test_the_table_aligns_wraps_and_keeps_remedies_whole() -> None:
    lines = as_table([GOOD, BAD], width=80).splitlines()
    assert lines[0] == "OK    disk            plenty"
    assert lines[1].startswith("FAIL  socket buffers  too small")
    assert all(len(line) <= 80 for line in lines)
    assert f"-> {BAD.remedy}" in lines[-1]


def test_json_has_all_fields() -> None:
    answer = as_json([GOOD, BAD])
    assert answer["ok"] is False
    assert answer["checks"][0] == {"name": "disk", "status": "OK", "found": "plenty", "remedy": ""}
