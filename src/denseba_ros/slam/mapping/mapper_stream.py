"""The CUDA stream of mapping, so that its kernels do not queue before those of tracking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

ResultT = TypeVar("ResultT")


class MapperStream:
    """A stream of its own on a GPU; on the CPU there is none and jobs run as they are."""

    def __init__(self, device: torch.device) -> None:
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def after_tracking(self, job: Callable[[], ResultT]) -> Callable[[], ResultT]:
        """``job`` on this stream, after all that the caller's stream was given until now.

        What it returns is complete: any stream may read it.
        """
        stream = self._stream
        if stream is None:
            return job
        tracked = torch.cuda.current_stream(stream.device).record_event()

        def run() -> ResultT:
            with torch.cuda.stream(stream):
                stream.wait_event(tracked)
                result = job()
            stream.synchronize()
            return result

        return run
