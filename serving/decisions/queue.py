"""Decisions waiting to be recorded: while one commit runs the next batch gathers, with no timer."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from starlette.requests import Request

from features.kernel.errors import Conflict
from serving.decisions.service import DecisionResponse, Incoming, KeyReused, Result

MAX_BATCH = 200
AnswerAll = Callable[[Sequence[Incoming]], list[Result]]
Waiting = tuple[Incoming, asyncio.Future[DecisionResponse]]


class DecisionQueue:
    """Answers requests in batches, one transaction a batch, on one thread apart from the event loop."""

    def __init__(self, answer_all: AnswerAll, thread: Executor) -> None:
        self._answer_all = answer_all
        self._thread = thread
        self._waiting: list[Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def answer(self, incoming: Incoming) -> DecisionResponse:
        """The recorded answer to one request.

        Raises:
            KeyReused: the idempotency key was used before, for another request.
            DecisionInFlight: another process is answering the same key at this moment.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[DecisionResponse] = loop.create_future()
        self._waiting.append((incoming, future))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._settle(batch)

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._answer_all, [incoming for incoming, _ in batch])
        except Conflict as conflict:
            # Another process stored one of the keys first: alone, only that request is refused.
            if len(batch) == 1:
                _fail(batch, conflict)
            for waiting in batch if len(batch) > 1 else ():
                await self._settle([waiting])
        except Exception as error:
            _fail(batch, error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                _give(future, result)


def _give(future: asyncio.Future[DecisionResponse], result: Result) -> None:
    if future.cancelled():
        return
    if isinstance(result, KeyReused):
        future.set_exception(result)
    else:
        future.set_result(result)


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.cancelled():
            future.set_exception(error)


def queue_of(request: Request) -> DecisionQueue:
    """The queue of the application that got the request."""
    queue: DecisionQueue = request.app.state.decisions
    return queue
