"""What is read off pytest's report."""

from __future__ import annotations

from denseba_ros.benchmark.gpu.cuda_tests_part import marked_files, read_report
from denseba_ros.benchmark.provenance import ROOT

_CASE = '<testcase classname="tests.test_it" name="{}">{}</testcase>'


def report(*cases: tuple[str, str]) -> str:
    inside = "".join(_CASE.format(name, content) for name, content in cases)
    return f"<testsuites><testsuite>{inside}</testsuite></testsuites>"


def test_passed_failed_and_skipped_are_counted_and_named() -> None:
    cases = [("a", ""), ("b", "<failure/>"), ("c", "<error/>"), ("d", "<skipped/>"), ("e", "")]
    result = read_report(report(*cases), "the end")
    assert [(figure.name, figure.value) for figure in result.figures] == [
        ("passed", 2),
        ("failed", 2),
        ("skipped", 1),
    ]
    assert [figure.is_met for figure in result.figures] == [True, False, False]
    assert result.notes == [
        "failed: tests.test_it.b",
        "failed: tests.test_it.c",
        "skipped: tests.test_it.d",
    ]
    assert result.details == {"output": "the end"}


def test_where_all_pass_no_output_is_kept() -> None:
    result = read_report(report(("a", "")), "the end")
    assert all(figure.is_met for figure in result.figures)
    assert result.details == {}


def test_no_test_at_all_is_no_success() -> None:
    assert read_report(report(), "").figures[0].is_met is False


def test_the_files_with_the_marker_are_found() -> None:
    names = {path.rsplit("/", 1)[1] for path in marked_files(ROOT)}
    assert {"test_triton_kernel.py", "test_cuda_graph.py", "test_mapper_stream.py"} <= names
    assert "test_se3.py" not in names
