"""Jobs on the mapper's stream: after what tracking was given before, and complete when they end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from denseba_ros.slam.mapping.mapper_stream import MapperStream

pytestmark = pytest.mark.gpu


def test_on_a_cpu_a_job_runs_as_it_is() -> None:
    def job() -> int:
        return 7

    assert MapperStream(torch.device("cpu")).after_tracking(job) is job


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_job_reads_what_tracking_wrote_and_its_result_is_complete() -> None:
    """Each side first does work that takes the GPU milliseconds, so that a missing wait shows."""
    stream = MapperStream(torch.device("cuda"))
    slow = torch.full((4096, 4096), 1.0 / 4096, device="cuda")

    def product_of(value: torch.Tensor) -> torch.Tensor:
        for _ in range(20):
            value = slow @ value
        return value

    with ThreadPoolExecutor(1) as thread:
        for k in range(1, 4):
            tracked = product_of(torch.full((4096, 4096), float(k), device="cuda"))
            job = stream.after_tracking(lambda tracked=tracked: product_of(tracked))
            result = thread.submit(job).result()
            torch.testing.assert_close(result[0, :8].cpu(), torch.full((8,), float(k)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_job_does_not_run_on_the_stream_of_tracking() -> None:
    own = torch.cuda.current_stream()
    job = MapperStream(torch.device("cuda")).after_tracking(torch.cuda.current_stream)
    assert job() != own
    assert torch.cuda.current_stream() == own
