"""Lets only those of kopf's log records through that somebody can act on, one line each."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings

LEFT_OUT = (
    "OS signals are ignored",
    "Multidimensional multitasker has failed",
    # A watch that is stopped while it starts: kopf fails to cancel it, and it ends by itself.
    "Exception in callback stream.<locals>.request_cancel_callback",
    # A watch that is cancelled at the end of a run: kopf's open generators then close in no particular order.
    "an error occurred during closing of asynchronous generator",
    # Objects whose events were not passed on at the end of a run are listed in the next.
    "Unprocessed streams left for",
    # Logged as the cause of a restart instead: kopf would go on without these resources.
    "Unresolved resources cannot be served",
)


def quieten() -> None:
    """Filter kopf's log records for the whole process. To be called after logging is configured."""
    # kopf logs every event that it passes on; its faults are logged as the causes of restarts.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(tidy)
    sys.unraisablehook = collected
    # What kopf was about to do when it was cancelled: to pass on events, and to wait until all are.
    unawaited = "coroutine '(worker|_wait_for_depletion)' was never awaited"
    warnings.filterwarnings("ignore", unawaited, RuntimeWarning)


def tidy(record: logging.LogRecord) -> bool:
    """A log filter: reduces kopf's records to one line each, without traces, and drops those about expected conditions
    and those that repeat a watch's fault without naming the watch."""
    # asyncio logs a fault in one of kopf's callbacks, and where; kopf goes on.
    is_kopfs = record.name.partition(".")[0] == "kopf"
    is_kopfs = is_kopfs or (
        record.name == "asyncio" and ("/kopf/" in record.getMessage() or was_raised_in_kopf(record))
    )
    if not is_kopfs:
        return True
    record.msg, record.args = " ".join(record.getMessage().split()), None
    record.exc_info = record.exc_text = None
    return not record.msg.startswith(LEFT_OUT)


def was_raised_in_kopf(record: logging.LogRecord) -> bool:
    """Whether a record's exception passed through one of kopf's functions."""
    trace = record.exc_info[2] if record.exc_info else None
    return any("/kopf/" in frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace))


def collected(unraisable: sys.UnraisableHookArgs) -> None:
    """A hook for `sys.unraisablehook` that drops kopf's errors: coroutines that kopf leaves behind are collected after
    their loop has closed, and fail when they await something on the way out. Nobody can act on that.
    """
    frames = (frame for frame, _ in traceback.walk_tb(unraisable.exc_traceback))
    codes = [frame.f_code for frame in frames] + [getattr(unraisable.object, "cr_code", None)]
    if not any(code is not None and is_kopfs_code(code.co_filename) for code in codes):
        sys.__unraisablehook__(unraisable)


def is_kopfs_code(path: str) -> bool:
    """Whether a file is part of kopf or of its HTTP client."""
    return "/kopf/" in path or "/aiohttp/client" in path or "/aiohttp/connector" in path
