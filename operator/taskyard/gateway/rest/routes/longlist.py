"""The lists that are answered whole, however long they are: a slice at a time, so that the process does other work in
between, and never all of it is in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from fastapi.responses import JSONResponse, Response
from starlette.responses import StreamingResponse

from taskyard.apiclient import Object

SLICE = 25


class LongLists:
    """The answers of one route. Only one slice of them all is made in one turn of the event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    def answer(self, name: str, tasks: Sequence[Object], shown: Callable[[Object], Any], *, count: int) -> Response:
        """`{NAME: [what is shown of each Task], "count": COUNT}`."""
        if len(tasks) <= SLICE:
            return JSONResponse({name: list(map(shown, tasks)), "count": count})
        return StreamingResponse(self._pieces(name, tasks, shown, count), media_type="application/json")

    async def _pieces(
        self, name: str, tasks: Sequence[Object], shown: Callable[[Object], Any], count: int
    ) -> AsyncIterator[str]:
        before = f"{{{json.dumps(name)}:["
        for begin in range(0, len(tasks), SLICE):
            async with self._turn:
                piece = before + ",".join(_json(shown(task)) for task in tasks[begin : begin + SLICE])
                await asyncio.sleep(0)
            yield piece
            before = ","
        yield f'],"count":{count}}}'


def _json(document: Any) -> str:
    # As JSONResponse writes it.
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
