"""A function applied to many shares of work, in as many processes as there are processors."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Share = TypeVar("Share")
Result = TypeVar("Result")


def map_in_processes(
    function: Callable[[Share], Result], shares: Iterable[Share]
) -> Generator[Result, None, None]:
    """Yield the results of a module-level function for the shares, in their order.

    Shares are taken as needed: only as many wait, and as many results, as keep every process busy.
    Raises whatever the function raises.
    """
    number = os.cpu_count() or 1
    pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    waiting: deque[Future[Result]] = deque()
    try:
        for share in shares:
            waiting.append(pool.submit(function, share))
            if len(waiting) > 2 * number:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal; the parent process ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
