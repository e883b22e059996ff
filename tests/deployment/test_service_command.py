"""``course serve`` as a program: what it prints, how it ends, its memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest
import requests
from pictures_for_service import GOOD, exported

from course_staff.benchmarks import service as bench


class Command:
    """A running ``course serve``; ``lines`` is what it printed up to the last line."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "course_utils.cli", "serve", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "80"},
        )
        self.lines: list[str] = []
        while not self.lines or "Ctrl-C" not in self.lines[-1]:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            self.lines.append(line.strip())
        (self.address,) = (line.split()[1] for line in self.lines if line.startswith("Open http"))

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the status and the rest of the output."""
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=120)
        assert errors == "", "nothing of TensorFlow is written"
        return self.process.returncode, rest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("exported") / "flowers")


@pytest.fixture
def command():
    started: list[Command] = []

    def start(*words: str) -> Command:
        started.append(Command(*words))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def test_sigterm_finishes_the_request_that_runs(command, folder):
    running = command(str(folder), "--port", "0")
    assert running.lines[:2] == ["Loading the network ...", "Serving flowers."]
    parts = urlsplit(running.address)
    data = GOOD["PNG"]
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(data)}\r\n"
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert b"100" in connection.recv(1000)  # the service waits for the picture
        ended: list[tuple[int, str]] = []
        ending = threading.Thread(target=lambda: ended.append(running.end(signal.SIGTERM)))
        ending.start()
        ending.join(1)
        assert not ended
        connection.sendall(data)
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
    ending.join(60)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"classes"' in answer
    assert ended == [(0, "Stopped.\n")]


@pytest.mark.slow
def test_ctrl_c_ends_it_properly(command, folder):
    running = command(str(folder / "model.keras"), "--port", "0")
    assert requests.get(running.address, timeout=30).status_code == 200
    assert running.end(signal.SIGINT) == (0, "Stopped.\n")


@pytest.mark.slow
def test_for_other_machines_it_prints_an_address_with_a_token(command, folder):
    running = command(str(folder), "--port", "0", "--host", "0.0.0.0")
    port = urlsplit(running.address).port
    query = urlsplit(running.address).query
    assert query.startswith("token=")
    assert urlsplit(running.address).hostname not in ("0.0.0.0", "127.0.0.1")
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=30).status_code == 401
    assert requests.get(f"http://127.0.0.1:{port}/?{query}", timeout=30).status_code == 200
    assert running.end(signal.SIGTERM)[0] == 0


def refused(*words: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "course_utils.cli", "serve", *words],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    return " ".join(answer.stderr.split("course:")[1].split())


@pytest.mark.slow
def test_a_port_that_is_taken_gets_one_sentence(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(str(folder), "--port", str(port)).startswith(
            f"Port {port} is used by another program; choose another one"
        )


@pytest.mark.slow
def test_memory_does_not_grow(folder):
    """The short form of the row "web service, memory" of the bench."""
    with bench.running(folder) as running:
        bodies = list(GOOD.values()) * 20
        sizes = []
        for _ in range(4):
            _, statuses = bench.send_all(running.address, bodies, 8, "/predict?map=true")
            assert set(statuses) == {200}
            sizes.append(running.megabytes())
    assert sizes[-1] - sizes[0] < 30
