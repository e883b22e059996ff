"""A bounded entrance, and a queue whose waiting items are computed in small batches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

#: Items that are computed together at most.
LARGEST_BATCH = 16


class Full(Exception):
    """The entrance has no place left."""


class Place:
    """The place of one request: the bytes that it holds in memory."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.size = 0

    def grow(self, size: int) -> None:
        """Count `size` more bytes.

        Raises
        ------
        Full
            If all requests together would hold too many.
        """
        self._entrance.take(size)
        self.size += size


class Entrance:
    """Limits the number of requests in the server and the bytes that they hold.

    Used from the thread of the event loop only.

    Parameters
    ----------
    most : int
        Number of requests.
    most_bytes : int
        Bytes of all requests together.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.count = self.size = 0

    def take(self, size: int) -> None:
        """Count `size` more bytes; raise `Full` if they do not fit."""
        if self.size + size > self.most_bytes:
            raise Full
        self.size += size

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Give a place to a request until the block ends.

        Raises
        ------
        Full
            If there is none.
        """
        if self.count >= self.most:
            raise Full
        self.count += 1
        place = Place(self)
        try:
            yield place
        finally:
            self.count -= 1
            self.size -= place.size


class BatchQueue:
    """Computes items in a thread of its own, those that wait together.

    While a batch is computed, the next items wait; they form the next batch. So a single item is
    computed at once, and the batches grow with the load.

    Parameters
    ----------
    compute : callable
        Turns a list of items into a list of results.
    largest : int
        Items in a batch at most.
    """

    def __init__(
        self, compute: Callable[[Sequence[Any]], Sequence[Any]], largest: int = LARGEST_BATCH
    ) -> None:
        self._compute, self._largest = compute, largest
        self._waiting: queue.SimpleQueue[tuple[Any, Future] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="classifier", daemon=True)
        self._thread.start()

    def submit(self, item: Any) -> Future:
        """Add an item; return the future of its result."""
        future: Future = Future()
        self._waiting.put((item, future))
        return future

    def close(self) -> None:
        """Compute what was submitted, and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        go_on = True
        while go_on:
            batch, go_on = self._next_batch()
            # A request may have been canceled in the meantime.
            batch = [entry for entry in batch if entry[1].set_running_or_notify_cancel()]
            if batch:
                self._finish(batch)

    def _next_batch(self) -> tuple[list[tuple[Any, Future]], bool]:
        """Wait for an item and return it with all that wait; False after `close`."""
        batch: list[tuple[Any, Future]] = []
        entry = self._waiting.get()
        while entry is not None:
            batch.append(entry)
            if len(batch) == self._largest:
                return batch, True
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _finish(self, batch: list[tuple[Any, Future]]) -> None:
        try:
            results = self._compute([item for item, _ in batch])
        except Exception as error:  # it belongs to the requests, which report it
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)
