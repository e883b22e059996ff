"""Start and stop the service."""

from __future__ import annotations

import errno
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from course_utils import settings
from course_utils.deployment.service._models import find_classifier
from course_utils.exceptions import InvalidInput
from course_utils.validate import whole_number

#: Seconds that requests get to finish after the service was told to stop.
GRACE_SECONDS = 70
_CONNECTIONS = 512


class Service:
    """A service that is about to run, or runs.

    Parameters
    ----------
    model : DeployedModel, path or None
        See `serving`.
    host : str
        Address to listen at. If it is not one of this machine alone, requests need a token.
    port : int
        0 takes a free one.

    Attributes
    ----------
    address : str
        Address of the page, such as ``http://127.0.0.1:8000``.
    token : str or None
        The token that requests need.
    model_name : str

    Raises
    ------
    InvalidInput
        If the port is taken or the host is not an address of this machine.
    """

    def __init__(self, model: Any, host: str, port: int) -> None:
        import uvicorn

        from course_utils.deployment.service import _app, _security

        self._socket = _listen(host, whole_number("port", port, 0, 65535, example=8000))
        try:
            classifier = find_classifier(model)
            classifier.warm_up()
            self._desk = _app.Desk(classifier)
        except BaseException:
            self._socket.close()
            raise
        self.model_name = classifier.name
        self.token = None if _security.is_loopback(host) else _security.new_token()
        config = uvicorn.Config(
            _security.Guard(_app.application(self._desk), self.token),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _uvicorn_server(config)
        shown = _visible_host(host)
        number = self._socket.getsockname()[1]
        self.address = f"http://[{shown}]:{number}" if ":" in shown else f"http://{shown}:{number}"

    def run(self) -> None:
        """Answer requests until `stop`; then finish those that run."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._desk.close()

    def serve(self, say: Callable[[str], None]) -> None:
        """Answer requests until SIGINT (Ctrl-C) or SIGTERM; for the main thread of a program.

        Requests that run are finished; a second Ctrl-C ends at once.

        Parameters
        ----------
        say : callable
            Called with each line of text for the user.
        """
        asked = 0

        def stop(number: int, _: Any) -> None:
            nonlocal asked
            asked += 1
            if asked > 1 and number == signal.SIGINT:
                raise KeyboardInterrupt
            self.stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        say(f"Serving {self.model_name}.")
        if self.token is None:
            say(f"Open {self.address} in a browser on this machine.")
        else:
            say(f"Open {self.address}/?token={self.token} on a device in the same network.")
            say("Whoever has this address can use the service; the connection is not encrypted.")
        say("Stop it with Ctrl-C.")
        try:
            self.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        say("Stopped.")

    def stop(self) -> None:
        """Tell the service to finish what runs, and to end."""
        self._server.should_exit = True

    @property
    def started(self) -> bool:
        """Whether requests are answered."""
        return self._server.started


def _uvicorn_server(config: Any) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave the signals to `Service.serve`, which ends with the status 0."""
            yield

    return Server(config)


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small packets at once (TCP_NODELAY) only then;
    # else each answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # there, this option lets two programs listen at one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
        return listening
    except (OSError, UnicodeError, TypeError) as error:  # the last for a null character
        listening.close()
        if getattr(error, "errno", None) in (errno.EADDRINUSE, errno.EACCES):
            taken = getattr(error, "errno", None) == errno.EADDRINUSE
            raise InvalidInput(
                f"Port {port} {'is used by another program' if taken else 'may not be used'}; "
                f"choose another one, for example --port {port + 1 if taken else 8000}."
            ) from None
        raise InvalidInput(
            f"The service cannot listen at {host!r}; give an address of this machine, such as "
            f"--host 0.0.0.0 for all of them."
        ) from None


def _visible_host(host: str) -> str:
    """Return the address that others use: where the service listens at all, the one of the LAN."""
    if host not in ("0.0.0.0", "::"):
        return host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    target = "2001:db8::1" if ":" in host else "192.0.2.1"  # documentation addresses
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))  # only looks up the route; nothing is sent
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()


@contextmanager
def serving(model: Any = None, port: int = 0) -> Iterator[Service]:
    """Run the web service in a thread until the block ends.

    It listens on this machine only. At the end of the block the requests that run are finished.

    First met in lesson 09.

    Parameters
    ----------
    model : DeployedModel or path, optional
        An exported network, or its folder or file. By default the newest one in ``work/``, and the
        lesson model if there is none.
    port : int
        0 takes a free one.

    Yields
    ------
    Service
        Its ``address``, such as ``http://127.0.0.1:49152``, has the page at ``/``, the interface at
        ``/predict`` and its description at ``/docs``.

    Raises
    ------
    MissingData
        If there is no such file.
    InvalidInput
        If it is no exported network, or the port is taken.

    Notes
    -----
    Within the block, ``requests.post(f"{service.address}/predict", data=content, timeout=10)``
    sends the content of an image file, and ``.json()`` of the answer is the result.
    """
    service = Service(model, "127.0.0.1", port)
    thread = threading.Thread(target=service.run, name="service", daemon=True)
    thread.start()
    while not service.started and thread.is_alive():
        time.sleep(0.005)
    if not service.started:
        raise InvalidInput("The service did not start; the messages above say why.")
    try:
        with settings.without_proxy("127.0.0.1"):  # a school's proxy does not reach this machine
            yield service
    finally:
        service.stop()
        thread.join()
