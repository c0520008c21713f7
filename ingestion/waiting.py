"""Waiting for vendors, in any thread, so that an interrupt of the run ends it at once."""

import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

LOOK_UP_SECONDS = 0.25

_interrupted = threading.Event()


def interrupt() -> None:
    """End every wait, in all threads: they raise KeyboardInterrupt."""
    _interrupted.set()


def resume() -> None:
    """Let threads wait again after an interrupt."""
    _interrupted.clear()


def wait(seconds: float, done: "SimpleQueue[Any] | None" = None) -> Any:
    """Wait that long, or for what comes out of `done`; returns that, or None if nothing came.

    Raises KeyboardInterrupt soon after `interrupt`.
    """
    ends = time.monotonic() + seconds
    while not _interrupted.is_set():
        left = ends - time.monotonic()
        if left <= 0:
            return None
        if done is None:
            _interrupted.wait(left)
            continue
        try:
            return done.get(timeout=min(left, LOOK_UP_SECONDS))
        except Empty:
            continue
    raise KeyboardInterrupt
