"""Downloads from a local server that answers correctly, wrongly or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import io
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from image_folders import pixels
from PIL import Image

from course_utils import datasets, settings
from course_utils.datasets import _download, cifar10, clothing, tf_flowers
from course_utils.exceptions import DownloadFailed, InvalidInput


def tar_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def jpeg(seed) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels(seed, 8, 8)).save(buffer, "JPEG")
    return buffer.getvalue()


def picture(name: str) -> bytes:
    """Return an image file of about 8 kB that is not compressible."""
    return jpeg(name) + np.random.default_rng([ord(one) for one in name]).bytes(8000)


GOOD = tar_of({f"set/{kind}/{i}.jpg": picture(f"{kind}{i}") for kind in "ab" for i in range(40)})
PIECE = _download._PIECE


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path: /good, /truncated, /corrupt, /404, /html, ..."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        what = self.path.strip("/").split("/")[0]
        body = server.bodies.get(what, GOOD)
        if what.isdigit():
            self.send_error(int(what))
            return
        if what == "html":
            body = b"<html>Please sign in</html>"
        if what == "corrupt":
            body = body[:100] + bytes([body[100] ^ 255]) + body[101:]
        if what == "silent":
            server.stop.wait(20)
            return
        start = 0
        if what in ("breaking", "changed") and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        kind = "text/html; charset=utf-8" if what == "html" else "application/gzip"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) - start))
        if what == "encoded":
            self.send_header("Content-Encoding", "x-gzip")
        if what in ("breaking", "changed"):
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        end = len(body)
        if what == "truncated":
            end = len(body) // 2
        if what == "breaking":
            end = min(len(body), start + server.piece)
        if what == "slow":
            for at in range(0, len(body), 20_000):
                self.wfile.write(body[at : at + 20_000])
                time.sleep(0.05)
            return
        self.wfile.write(body[start:end])
        if end < len(body):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(_download, "_PAUSE", 0.01)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests, running.bodies, running.piece = [], {}, 10**9
        running.stop = threading.Event()
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        yield running
        running.stop.set()
        running.shutdown()


def archive(url: str, body: bytes = GOOD, **changes) -> _download.Archive:
    one = _download.Archive(
        "set", url, hashlib.sha256(body).hexdigest(), len(body), "try again later."
    )
    return dataclasses.replace(one, **changes)


def unpack(packed: Path, aside: Path) -> None:
    _download.unpack_tar(packed, aside, "set")


def is_complete(folder: Path) -> bool:
    return _download.count_files(folder) == {"a": 40, "b": 40}


def obtain(one: _download.Archive, folder: Path) -> Path:
    return _download.obtain(one, folder, unpack, is_complete=is_complete)


def left(folder: Path) -> list[str]:
    """Return the names of the files in a folder, except the lock."""
    return sorted(one.name for one in folder.iterdir() if not one.name.endswith(".lock"))


# --- good answers --------------------------------------------------------------------------


def test_a_good_archive_arrives_whole(server, tmp_path, capfd):
    folder = obtain(archive(f"{server.url}/good"), tmp_path / "downloads" / "set")
    assert is_complete(folder)
    assert (folder / "a/3.jpg").read_bytes() == picture("a3")
    assert left(folder.parent) == ["set"]
    assert "100%" in capfd.readouterr().err  # the progress bar has the total size


def test_what_is_here_is_not_downloaded_again(server, tmp_path):
    for _ in range(2):
        obtain(archive(f"{server.url}/good"), tmp_path / "set")
    assert len(server.requests) == 1


def test_a_part_of_a_set_is_no_set(server, tmp_path, capsys):
    (tmp_path / "set/a").mkdir(parents=True)
    (tmp_path / "set/a/mine.jpg").write_bytes(b"mine")
    obtain(archive(f"{server.url}/good"), tmp_path / "set")
    assert is_complete(tmp_path / "set")
    assert (tmp_path / "set-incomplete-1/a/mine.jpg").read_bytes() == b"mine"
    assert "was renamed to set-incomplete-1" in capsys.readouterr().out


def test_a_connection_that_breaks_off_is_continued(server, tmp_path):
    server.piece = 8 * PIECE
    obtain(archive(f"{server.url}/breaking"), tmp_path / "set")
    assert 16 * PIECE < len(GOOD) < 24 * PIECE
    assert [ranges for _, ranges in server.requests] == [
        None,
        f"bytes={8 * PIECE}-",
        f"bytes={16 * PIECE}-",
    ]
    assert left(tmp_path) == ["set"]


def test_a_killed_download_goes_on_the_next_time(server, tmp_path):
    (tmp_path / ".set.part").write_bytes(GOOD[:1000])
    obtain(archive(f"{server.url}/breaking"), tmp_path / "set")
    assert server.requests == [("/breaking", "bytes=1000-")]
    assert left(tmp_path) == ["set"]


@pytest.mark.parametrize("path", ["good", "changed"])
def test_a_beginning_that_does_not_fit_is_thrown_away(server, tmp_path, path):
    (tmp_path / ".set.part").write_bytes(b"x" * 1000)
    obtain(archive(f"{server.url}/{path}"), tmp_path / "set")
    assert left(tmp_path) == ["set"]


OBTAIN = """
import sys
from pathlib import Path
from course_utils.datasets import _download as d
d.obtain(
    d.Archive("set", sys.argv[1], None, 1000, "try again later."),
    Path(sys.argv[2]),
    lambda packed, aside: d.unpack_tar(packed, aside, "set"),
    is_complete=lambda folder: d.count_files(folder) == {"a": 40, "b": 40},
)
"""


def start(url: str, folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", OBTAIN, url, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_in_the_middle_and_started_again(server, tmp_path):
    process = start(f"{server.url}/slow", tmp_path / "set")
    part = tmp_path / ".set.part"
    wait_until(lambda: part.exists() and part.stat().st_size)
    process.kill()
    process.communicate()
    assert part.exists()
    assert not (tmp_path / "set").exists()
    obtain(archive(f"{server.url}/good"), tmp_path / "set")
    assert left(tmp_path) == ["set"]


def test_two_processes_download_the_same_set_once(server, tmp_path):
    first = start(f"{server.url}/slow", tmp_path / "set")
    wait_until(lambda: server.requests)
    second = start(f"{server.url}/slow", tmp_path / "set")
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0]
    assert "Waiting for another process that is downloading set" in outputs[1]
    assert len(server.requests) == 1
    assert left(tmp_path) == ["set"]


# --- bad answers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("truncated", "the connection broke off before the end"),
        ("corrupt", r"not the file that was asked for \(its checksum differs\)"),
        ("html", "a web page instead of the file"),
        ("407", "the proxy of the network refused the connection"),
        ("404", r"no such file \(answer 404\)"),
        ("403", r"refused \(answer 403\)"),
        ("500", r"out of order for now \(answer 500\)"),
        ("503", r"out of order for now \(answer 503\)"),
    ],
)
def test_a_bad_answer_is_one_sentence_and_leaves_nothing(server, tmp_path, path, reason):
    with pytest.raises(DownloadFailed, match=reason) as caught:
        obtain(archive(f"{server.url}/{path}"), tmp_path / "set")
    sentence = str(caught.value)
    assert sentence.startswith(f"set could not be downloaded from {server.url}/{path}: ")
    assert sentence.endswith("; try again later.")
    assert "\n" not in sentence
    assert left(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///usb/set.tgz", "set.tgz", "http://[", "ftp://x.org/set"])
def test_what_is_no_address_of_the_web(tmp_path, url):
    with pytest.raises(DownloadFailed, match="no address that begins with https:// or http://"):
        obtain(archive(url), tmp_path / "set")
    assert left(tmp_path) == []


def test_a_proxy_that_refuses_is_named(server, tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", f"{server.url}")
    with pytest.raises(DownloadFailed, match="the proxy of the network refused"):
        obtain(archive("https://x.invalid/set"), tmp_path / "set")


def test_a_server_that_declares_the_archive_as_encoded(server, tmp_path):
    assert is_complete(obtain(archive(f"{server.url}/encoded"), tmp_path / "set"))


def test_a_connection_that_breaks_again_and_again_keeps_its_beginning(server, tmp_path):
    server.piece = PIECE
    with pytest.raises(DownloadFailed, match="broke off before the end"):
        obtain(archive(f"{server.url}/breaking"), tmp_path / "set")
    assert left(tmp_path) == [".set.part"]
    assert (tmp_path / ".set.part").read_bytes() == GOOD[: 4 * PIECE]
    server.piece = 10**9
    obtain(archive(f"{server.url}/breaking"), tmp_path / "set")
    assert server.requests[-1][1] == f"bytes={4 * PIECE}-"


def test_no_network_fails_within_seconds(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/x", "http://no-such-host.invalid/x"):
        start = time.monotonic()
        with pytest.raises(DownloadFailed, match="there is no connection to"):
            obtain(archive(url), tmp_path / "set")
        assert time.monotonic() - start < 15
    assert left(tmp_path) == []


def test_a_silent_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "_SILENCE_SECONDS", 0.5)
    with pytest.raises(DownloadFailed, match="does not answer"):
        obtain(archive(f"{server.url}/silent"), tmp_path / "set")
    assert left(tmp_path) == []


def test_an_archive_that_lacks_files(server, tmp_path):
    less = tar_of({f"set/a/{i}.jpg": jpeg(i) for i in range(40)})
    server.bodies["less"] = less
    with pytest.raises(DownloadFailed, match="files are missing in it"):
        obtain(archive(f"{server.url}/less", less), tmp_path / "set")
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["../evil.jpg", "set/../../evil.jpg", "/evil.jpg", "set\\a.jpg"])
def test_an_archive_cannot_write_elsewhere(server, tmp_path, name):
    evil = tar_of({"set/a/0.jpg": jpeg(0), name: b"evil"})
    server.bodies["evil"] = evil
    with pytest.raises(DownloadFailed, match="unsafe name"):
        obtain(archive(f"{server.url}/evil", evil), tmp_path / "inner" / "set")
    assert not list(tmp_path.rglob("evil*"))


def test_an_archive_with_links_is_refused(server, tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("set/a")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(member)
    server.bodies["link"] = packed.getvalue()
    with pytest.raises(DownloadFailed, match="no plain file"):
        obtain(archive(f"{server.url}/link", packed.getvalue()), tmp_path / "set")


def test_too_little_space_is_said_before(server, tmp_path):
    with pytest.raises(DownloadFailed, match=r"it needs 2,?200,?000.0 GB on the disk"):
        obtain(archive(f"{server.url}/good", size=10**15), tmp_path / "set")
    assert server.requests == []


def test_a_disk_that_fills_up(server, tmp_path):
    # A limit on the file size simulates a full disk; the error is of the same type.
    code = (
        "import resource, sys; from pathlib import Path;"
        "from course_utils.datasets import _download as d; import requests, filelock, tqdm;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "d.obtain(d.Archive('set', sys.argv[1], None, 1000, 'make room.'), Path(sys.argv[2]),"
        "lambda packed, aside: d.unpack_tar(packed, aside, 'set'),"
        "is_complete=lambda folder: False)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, f"{server.url}/good", str(tmp_path / "set")],
        capture_output=True,
        text=True,
    )
    assert "too little space left on the disk" in ran.stderr.splitlines()[-1]
    assert ran.stderr.splitlines()[-1].startswith("course_utils.exceptions.DownloadFailed: set ")
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadFailed, match="cannot be written"):
        obtain(archive(f"{server.url}/good"), tmp_path / "file" / "set")


# --- the datasets of the course ------------------------------------------------------------


@pytest.mark.parametrize("name", ["tf_flowers", "clothing", "cifar10"])
@pytest.mark.parametrize("path", ["404", "truncated", "html", "good"])
def test_download_refuses_what_is_not_the_dataset(server, nothing_here, name, path):
    with pytest.raises(DownloadFailed) as caught:
        datasets.download(name, url=f"{server.url}/{path}")
    assert "COURSE_DATA" in str(caught.value)
    assert "paper_flowers" in str(caught.value)
    files = [one for one in nothing_here.rglob("*") if one.is_file() and one.suffix != ".lock"]
    assert files == []
    assert not bool(datasets.available().set_index("name").loc[name, "here"])


def test_tf_flowers_arrives_and_loads(server, nothing_here, capsys):
    photo = jpeg("flower")
    files = {
        f"flower_photos/{kind}/{i}.jpg": photo + i.to_bytes(2, "big") + kind.encode()
        for kind, number in tf_flowers.COUNTS.items()
        for i in range(number)
    } | {"flower_photos/LICENSE.txt": b"by many"}
    server.bodies["flowers"] = body = tar_of(files)
    source = dataclasses.replace(
        tf_flowers.SOURCE, sha256=hashlib.sha256(body).hexdigest(), size=len(body)
    )
    assert source.download(f"{server.url}/flowers") == nothing_here / "downloads/flower_photos"
    assert datasets.image_folder("tf_flowers") == nothing_here / "downloads/flower_photos"
    data = datasets.load(image_size=8)
    assert "Using tf_flowers" in capsys.readouterr().out
    assert data.class_names == ("dandelion", "daisy", "tulips", "sunflowers", "roses")
    assert data.describe().loc["total"].tolist() == [2936, 367, 367, 3670]
    datasets.download("tf_flowers", url=f"{server.url}/404")
    assert "is here already" in capsys.readouterr().out
    (nothing_here / "downloads/flower_photos/roses/0.jpg").unlink()
    assert not datasets.available().set_index("name").loc["tf_flowers", "here"]


def test_clothing_is_checked_by_its_names_and_images(server, nothing_here):
    files = {
        f"{split}/{kind}/{i}.jpg": jpeg(f"{split}{kind}{i}")
        for split in clothing.COUNTS
        for kind in clothing.CLASS_NAMES
        for i in range(2)
    }
    digest = hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()
    prefix = f"clothing-dataset-small-{clothing._COMMIT}/"
    packed = {
        "good": files,
        "extra": files | {"train/hat/new.jpg": jpeg(1)},
        "broken": files | {"train/hat/0.jpg": jpeg(1)[:100]},
    }
    for name, content in packed.items():
        server.bodies[name] = tar_of({prefix + path: data for path, data in content.items()})
    source = dataclasses.replace(clothing.SOURCE, digest=digest)
    for name, reason in {"extra": "exactly the files", "broken": "is cut off"}.items():
        with pytest.raises(DownloadFailed, match=reason):
            source.download(f"{server.url}/{name}")
        assert left(nothing_here / "downloads") == []
    folder = source.download(f"{server.url}/good")
    assert clothing.names_digest(folder) == digest


def test_cifar10_lands_where_keras_keeps_it(server, nothing_here):
    files = {f"cifar-10-batches-py/{name}": b"x" for name in cifar10._BATCHES}
    server.bodies["cifar"] = body = tar_of(files)
    source = dataclasses.replace(
        cifar10.SOURCE, sha256=hashlib.sha256(body).hexdigest(), size=len(body)
    )
    source.download(f"{server.url}/cifar")
    folder = nothing_here / "keras/datasets"
    assert sorted(one.name for one in folder.iterdir() if not one.name.startswith(".")) == [
        "cifar-10-batches-py-target",
        "cifar-10-batches-py-target_archive",
    ]
    assert cifar10.SOURCE.locate() == folder / "cifar-10-batches-py-target/cifar-10-batches-py"


def test_an_unknown_name_and_one_that_ships(capsys):
    with pytest.raises(InvalidInput, match=r"did you mean 'tf_flowers'\?"):
        datasets.download("tfflowers")
    assert datasets.download("paper_flowers") == settings.shipped_data() / "paper_flowers"
