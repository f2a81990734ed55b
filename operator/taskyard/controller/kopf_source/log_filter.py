"""Of kopf only what somebody can act on reaches the log, a line each."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings

LEFT_OUT = (
    "OS signals are ignored",
    "Multidimensional multitasker has failed",
    # A watch that is ended while it begins: kopf would break it off then and cannot, and it ends by itself.
    "Exception in callback stream.<locals>.request_cancel_callback",
    # A watch that is broken off at the end: what kopf has open then ends in no order.
    "an error occurred during closing of asynchronous generator",
    # What was not handed on at the end of a run is listed in the next.
    "Unprocessed streams left for",
    # Told as the cause of a restart: kopf would go on without them.
    "Unresolved resources cannot be served",
)


def quieten() -> None:
    """Of kopf only what somebody can act on reaches the log, a line each. For the whole process, once it logs."""
    # It tells of every event that it hands on; its faults come as the reason of a restart.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(tidy)
    sys.unraisablehook = collected
    # Events that it had yet to hand on when it was broken off.
    warnings.filterwarnings("ignore", "coroutine 'worker' was never awaited", RuntimeWarning)


def tidy(record: logging.LogRecord) -> bool:
    """A log filter: kopf's records as one line each, without traces; none of those that are meant to be so, or that say
    a watch's fault again without saying which watch."""
    # asyncio tells of a fault in a callback of kopf's, and where; kopf goes on.
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
    """Whether a record is of an exception that came through a function of kopf's."""
    trace = record.exc_info[2] if record.exc_info else None
    return any("/kopf/" in frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace))


def collected(unraisable: sys.UnraisableHookArgs) -> None:
    """A hook for `sys.unraisablehook`: what kopf has left behind is collected after its loop has ended, and fails then
    to wait for something else on its way out. Nobody can act on that.
    """
    frames = (frame for frame, _ in traceback.walk_tb(unraisable.exc_traceback))
    codes = [frame.f_code for frame in frames] + [getattr(unraisable.object, "cr_code", None)]
    if not any(code is not None and is_kopfs_code(code.co_filename) for code in codes):
        sys.__unraisablehook__(unraisable)


def is_kopfs_code(path: str) -> bool:
    """Its own, or that of its HTTP client."""
    return "/kopf/" in path or "/aiohttp/client" in path or "/aiohttp/connector" in path
