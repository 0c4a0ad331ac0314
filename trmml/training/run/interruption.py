"""Stopping when asked: at the next step, with the state saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["StopRequest", "TrainingStopped", "stop_requests"]


class TrainingStopped(Exception):
    """Training was asked to stop, and its state is saved.

    Attributes:
        signal: Number of the signal that asked.
    """

    def __init__(self, signal_number: int) -> None:
        """Say which signal it was."""
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal = signal_number


class StopRequest:
    """Whether, and by which signal, the training was asked to stop."""

    def __init__(self) -> None:
        """Start without a request."""
        self.signal: int | None = None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM while the block runs, instead of dying of them.

    The second signal has its usual effect, for those who cannot wait for the end of a step.
    """
    request, before = StopRequest(), {}

    def give_back() -> None:
        for number in list(before):
            signal.signal(number, before.pop(number))

    def note(number: int, _: FrameType | None) -> None:
        request.signal = number
        give_back()

    if threading.current_thread() is threading.main_thread():  # others cannot take signals
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, note)
    try:
        yield request
    finally:
        give_back()
