"""The web service on this machine: throughput, waiting time, memory, malformed requests."""

from __future__ import annotations

import contextlib
import http.client
import queue
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import in_turn
from course_utils import settings
from course_utils.exceptions import CourseError
from course_utils.validate import counted

CLIENTS = (1, 8, 32)
PICTURES = 200
SECONDS = 60  # a client waits for an answer at most


@dataclass(frozen=True)
class Running:
    """A service in a process of its own.

    Attributes
    ----------
    address : str
    process : Popen
    """

    address: str
    process: subprocess.Popen[str]

    def megabytes(self) -> float:
        """Return the memory that the process occupies."""
        import psutil

        return psutil.Process(self.process.pid).memory_info().rss / 1e6


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Run ``course serve`` for an exported network until the block ends, then send SIGTERM."""
    command = [sys.executable, "-m", "course_utils.cli", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                yield Running(found[0], process)
                break
        else:
            raise CourseError("The service did not start; try 'course serve' by hand.")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)


def send_all(
    address: str, bodies: Sequence[bytes], clients: int, path: str = "/predict"
) -> tuple[list[float], Counter[int]]:
    """Send requests from several clients at a time, each with a connection of its own.

    Parameters
    ----------
    address : str
        Of the service.
    bodies : sequence of bytes
        The bodies of the requests; each is sent once.
    clients : int
        Number of threads.
    path : str

    Returns
    -------
    seconds : list of float
        From sending to the whole answer, for each request.
    statuses : Counter
        How many answers had which status; 0 where the connection broke.
    """
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for body in bodies:
        waiting.put(body)
    seconds: list[float] = []
    statuses: Counter[int] = Counter()
    parts = urlsplit(address)

    def client() -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
        with contextlib.closing(connection), contextlib.suppress(queue.Empty):
            while True:
                body = waiting.get_nowait()
                began = time.perf_counter()
                status = _send(connection, path, body)
                seconds.append(time.perf_counter() - began)
                statuses[status] += 1

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, statuses


def _send(connection: http.client.HTTPConnection, path: str, body: bytes) -> int:
    try:
        connection.request("POST", path, body, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


@contextlib.contextmanager
def exported_lesson_model() -> Iterator[tuple[Path, list[bytes]]]:
    """Give the folder of the exported lesson model, and picture files of paper_flowers."""
    from course_utils import datasets, deployment, training

    data = datasets.load("paper_flowers", image_size=96)
    model, _ = training.lesson_model(data, verbose=0)
    files = sorted(datasets.image_folder("paper_flowers").rglob("*.jpg"))[::5][:PICTURES]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "lesson_model"
        deployment.export(model, folder, class_names=data.class_names, formats=("keras",))
        yield folder, [file.read_bytes() for file in files]


def throughput(quick: bool) -> dict[str, Any]:
    """Measure requests per second, against one picture after the other in this process."""
    from course_utils import deployment, evaluation

    with exported_lesson_model() as (folder, pictures), running(folder) as service:
        alone = deployment.load_exported(folder)

        def one_by_one(_: int) -> None:
            for picture in pictures:
                outputs = alone.runtime.predict_on_batch(alone.decode(picture)[np.newaxis])
                evaluation.softmax(outputs / alone.card.temperature)

        ways: dict[str, Any] = {"alone": one_by_one}
        for clients in CLIENTS:
            send = partial(send_all, service.address, pictures, clients)
            ways[counted(clients, "client")] = lambda _, send=send: send()
        seconds, results = in_turn(ways, 3 if quick else 9)
    rates = {name: len(pictures) / float(np.median(spent)) for name, spent in seconds.items()}
    slowest = {
        name: 1000 * float(np.quantile(np.concatenate([each[0] for each in found]), 0.95))
        for name, found in results.items()
        if name != "alone"
    }
    statuses: Counter[int] = Counter()
    for name in slowest:
        for _, found in results[name]:
            statuses += found
    ratio = rates["8 clients"] / rates["alone"]
    shown = ", ".join(
        f"{name} {rates[name]:.0f}/s (p95 {slowest[name]:.0f} ms)" for name in slowest
    )
    return measured(
        rates["8 clients"],
        rates["alone"],
        "requests/s",
        wanted="ratio at least 0.8, every answer 200",
        ok=ratio >= 0.8 and set(statuses) == {200},
        note=f"medians of {len(seconds['alone'])} rounds in turn: {shown}; "
        f"one by one in a process {rates['alone']:.0f}/s",
        rates=rates,
        p95_milliseconds=slowest,
        statuses=dict(statuses),
        all_seconds=seconds,
    )


def memory(quick: bool) -> dict[str, Any]:
    """Send many requests, and compare the memory of the service after a tenth and after all."""
    count = 1000 if quick else 10_000
    with exported_lesson_model() as (folder, pictures), running(folder) as service:
        bodies = [pictures[k % len(pictures)] for k in range(count // 10)]
        sizes = []
        statuses: Counter[int] = Counter()
        for part in range(10):
            path = "/predict?map=true" if part % 2 else "/predict"
            statuses += send_all(service.address, bodies, 8, path)[1]
            sizes.append(service.megabytes())
    growth = sizes[-1] - sizes[1]  # the second tenth is the first with maps
    return measured(
        growth,
        unit="MB",
        wanted="at most 20 MB, every answer 200",
        ok=growth <= 20 and set(statuses) == {200},
        note=f"{count} requests, every second thousandth part with heat maps: "
        f"from {sizes[1]:.0f} to {sizes[-1]:.0f} MB",
        sizes=sizes,
        statuses=dict(statuses),
    )


def malformed_bodies(pictures: Sequence[bytes], count: int, seed: int = 0) -> list[bytes]:
    """Return damaged files: cut off, with changed bytes, joined, or of random bytes.

    Parameters
    ----------
    pictures : sequence of bytes
        Whole files.
    count : int
    seed : int
    """
    pick = random.Random(seed)

    def changed(data: bytes) -> bytes:
        content = bytearray(data)
        for _ in range(pick.randint(1, 40)):
            content[pick.randrange(len(content))] = pick.randrange(256)
        return bytes(content)

    ways = (
        lambda data: data[: pick.randrange(len(data))],
        changed,
        lambda data: data[: pick.randint(1, 40)] + pick.randbytes(pick.randint(0, 2000)),
        lambda data: pick.randbytes(pick.randint(0, 2000)),
        lambda data: pick.randbytes(pick.randint(1, 40)) + data,
    )
    return [pick.choice(ways)(pick.choice(pictures)) for _ in range(count)]


def malformed(quick: bool) -> dict[str, Any]:
    """Send malformed requests; none may get a 500, and good ones are answered afterwards."""
    with exported_lesson_model() as (folder, pictures), running(folder) as service:
        bad = malformed_bodies(pictures, 200)
        _, statuses = send_all(service.address, bad, 8, "/predict?map=true")
        _, after = send_all(service.address, pictures[:20], 1)
    failed = sum(number for status, number in statuses.items() if status in (0, 500))
    shown = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    return measured(
        failed,
        unit="answers",
        wanted="none with 500 or without answer",
        ok=failed == 0 and set(after) == {200},
        note=f"{len(bad)} malformed requests: {shown}; then {after[200]} of 20 good ones answered",
        statuses=dict(statuses),
    )


def _needs() -> str | None:
    folder = settings.shipped_data() / "paper_flowers"
    return None if folder.is_dir() else f"{folder} is missing"


ROWS = [
    Row(
        "web service, requests per second",
        f"{PICTURES} pictures sent by {', '.join(map(str, CLIENTS))} clients, against one by one "
        f"in a process",
        throughput,
        needs=_needs,
        expected=(60, 25),
    ),
    Row(
        "web service, memory",
        "10,000 requests: growth of the memory of the service",
        memory,
        needs=_needs,
        expected=(120, 30),
    ),
    Row(
        "web service, malformed requests",
        "200 damaged files: no answer may be a 500",
        malformed,
        needs=_needs,
        expected=(25, 25),
    ),
]
