"""The web service over real HTTP: its answers, its limits, and who may use it."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from urllib.parse import urlsplit

import keras
import numpy as np
import pytest
import requests
from heic_pictures import HEIC
from pictures_for_service import (
    BAD,
    GOOD,
    NAMES,
    drawing,
    encoded,
    exported,
    image_of,
    of_megapixels,
)

from course_staff.benchmarks.service import malformed_bodies
from course_utils import datasets, deployment, explain
from course_utils.deployment.service import _app, _body
from course_utils.deployment.service._batches import BatchQueue, Entrance, Full
from course_utils.deployment.service._classifier import Result
from course_utils.deployment.service._models import find_classifier, newest_export
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.models import dense_baseline


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("exported") / "flowers")


@pytest.fixture(scope="module")
def service(folder):
    with deployment.serving(folder) as running:
        yield running


def send(service, data: bytes, **parameters) -> requests.Response:
    return requests.post(f"{service.address}/predict", data=data, params=parameters, timeout=60)


def classes(answer: dict) -> dict[str, float]:
    """Return the probability of each class that is named, in their order."""
    return {each["name"]: each["probability"] for each in answer["classes"]}


def connected(service) -> socket.socket:
    parts = urlsplit(service.address)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def refused(answer: requests.Response, status: int) -> str:
    """Return the sentence of a refusal."""
    assert answer.status_code == status, answer.text
    (name, sentence), *others = answer.json().items()
    assert (name, others) == ("error", [])
    assert sentence[0].isupper()
    assert sentence[-1] == "."
    return sentence


# --- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_it_answers_as_the_exported_network_does(service, folder, name):
    (expected,) = deployment.load_exported(folder).classify([GOOD[name]])
    answer = send(service, GOOD[name]).json()
    assert list(classes(answer)) == [name for name, _ in expected.classes[:3]]
    assert classes(answer) == pytest.approx(dict(expected.classes[:3]), abs=1e-5)
    assert answer["unsure"] == expected.unsure
    assert answer["threshold"] == 0.9
    assert answer["map"] is answer["picture"] is answer["note"] is None


@pytest.mark.parametrize("name", GOOD)
def test_with_a_map_the_probabilities_are_the_same(service, name):
    with_map = send(service, GOOD[name], map="true").json()
    assert classes(with_map) == pytest.approx(classes(send(service, GOOD[name]).json()), abs=1e-5)
    assert image_of(with_map["picture"]).format == "JPEG"


def test_top_says_how_many_classes_are_named(service):
    found = classes(send(service, GOOD["PNG"], top=10).json())
    assert set(found) == set(NAMES)
    assert sum(found.values()) == pytest.approx(1)
    assert len(classes(send(service, GOOD["PNG"], top=1).json())) == 1


@pytest.mark.parametrize(
    ("threshold", "unsure"), [(None, False), (0.0, False), (0.7, False), (0.71, True), (1.0, True)]
)
def test_not_sure_is_said_below_the_threshold_alone(threshold, unsure):
    card = deployment.ModelInfo(("a", "b"), (8, 8), threshold=threshold)
    answer = _app.answer_of(card, Result(np.array([0.3, 0.7])), None, 3)
    assert answer.unsure is unsure
    assert answer.threshold == threshold
    assert [each.name for each in answer.classes] == ["b", "a"]


def test_a_form_gets_the_same_answer_and_its_file_name_is_not_used(service):
    files = {"picture": ("../../../etc/passwd", GOOD["PNG"])}
    answer = requests.post(f"{service.address}/predict", files=files, timeout=30)
    assert answer.json() == send(service, GOOD["PNG"]).json()


def test_the_map_is_the_grad_cam_of_the_best_class(service, folder):
    data = GOOD["PNG"]
    answer = send(service, data, map="true").json()
    model = deployment.load_exported(folder).model
    expected = explain.heat_layer(explain.grad_cam(model, datasets.decode(data, 32)[None]))[0]
    layer = np.asarray(image_of(answer["map"])).astype(int)
    assert layer.shape == (32, 32, 4)
    assert np.abs(layer - expected).max() <= 1


@pytest.mark.parametrize(("name", "size"), [("PNG", (60, 40)), ("JPEG on its side", (40, 60))])
def test_the_preview_is_the_upright_picture(service, name, size):
    preview = image_of(send(service, GOOD[name], map="true").json()["picture"])
    assert preview.size == size
    original = datasets.decode(GOOD[name]).astype(int)
    assert np.abs(np.asarray(preview).astype(int) - original).mean() < 6


@pytest.mark.parametrize("name", HEIC)
def test_heic_pictures_are_answered_and_shown(service, name):
    answer = send(service, HEIC[name], map="true")
    assert answer.status_code == 200
    assert image_of(answer.json()["picture"]).size == (24, 16)


def test_large_previews_are_small(service):
    preview = image_of(send(service, GOOD["wide panorama"], map="true").json()["picture"])
    assert preview.size == (640, 3)


@pytest.mark.parametrize("formats", ["keras", "litert"])
def test_networks_without_maps_say_why(tmp_path, formats):
    if formats == "litert":
        pytest.importorskip("ai_edge_litert")
    model = dense_baseline((8, 8, 3), 2)
    deployment.export(model, tmp_path / "dense", class_names=("a", "b"), formats=(formats,))
    with deployment.serving(tmp_path / "dense") as running:
        answer = send(running, GOOD["PNG"], map="true").json()
    assert answer["map"] is None
    assert answer["picture"]
    assert "no heat maps" in answer["note"]


def exported_head(place, channels: int, *head: keras.Layer):
    """Export a small network that ends in these layers, for as many classes as fit."""
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((9, 7, channels)), layers.Rescaling(1 / 255), layers.Conv2D(3, 3)]
        + [layers.GlobalAveragePooling2D(), *head]
    )
    names = NAMES[: max(2, model.output_shape[-1])]
    deployment.export(model, place, class_names=names, formats=("keras",), temperature=0.3)
    return place


@pytest.mark.parametrize(
    ("channels", "head", "outputs"),
    [
        (1, lambda: [keras.layers.Dense(1, activation="sigmoid")], "sigmoid"),
        (1, lambda: [keras.layers.Dense(1)], "linear"),
        (3, lambda: [keras.layers.Dense(2, activation="softmax")], "softmax"),
        (1, lambda: [keras.layers.Dense(3)], "linear"),
        (3, lambda: [keras.layers.Dense(3), keras.layers.Softmax(), cast()], "linear"),
    ],
    ids=["one sigmoid", "one logit", "softmax", "logits", "cast after softmax"],
)
def test_other_heads_are_answered_as_by_the_loaded_network(tmp_path, channels, head, outputs):
    place = exported_head(tmp_path / "model", channels, *head())
    loaded = deployment.load_exported(place)
    assert loaded.card.outputs == outputs
    (expected,) = loaded.classify([GOOD["PNG"]])
    with deployment.serving(place) as running:
        answer = send(running, GOOD["PNG"], map="true").json()
    assert classes(answer) == pytest.approx(dict(expected.classes), abs=1e-5)


def cast() -> keras.Layer:
    return keras.layers.Activation("linear", dtype="float32")


def test_a_sigmoid_for_each_class_is_refused_as_by_the_loaded_network(tmp_path):
    place = exported_head(tmp_path / "model", 3, keras.layers.Dense(3, activation="sigmoid"))
    with pytest.raises(InvalidInput, match="a sigmoid for each class") as of_network:
        deployment.load_exported(place).classify([GOOD["PNG"]])
    with pytest.raises(InvalidInput) as of_service, deployment.serving(place):
        pass  # it does not start
    assert str(of_service.value) == str(of_network.value)


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("with_map", ["true", "false"])
def test_what_is_no_picture_gets_a_sentence(service, name, with_map):
    data, status, words = BAD[name]
    assert words in refused(send(service, data, map=with_map), status)


def test_49_megapixels_are_read(service):
    assert send(service, of_megapixels(9800, 5000), map="true").status_code == 200


def test_more_than_20_megabytes_are_refused(service):
    sentence = refused(send(service, bytes(_body.MOST_BYTES + 1)), 413)
    assert "20 MB" in sentence
    # So many bytes are allowed; they are no picture.
    assert refused(send(service, bytes(_body.MOST_BYTES)), 415)
    form = {"picture": bytes(_body.MOST_BYTES + 1)}
    assert "20 MB" in refused(
        requests.post(f"{service.address}/predict", files=form, timeout=30), 413
    )


def test_a_body_of_unknown_length_is_refused_too(service):
    parts = (bytes(10**6) for _ in range(30))
    answer = requests.post(f"{service.address}/predict", data=parts, timeout=30)
    assert "20 MB" in refused(answer, 413)


def test_an_endless_body_is_not_read_to_its_end(service):
    host = urlsplit(service.address).netloc
    head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    part = b"f4240\r\n" + bytes(10**6) + b"\r\n"
    sent = 0
    with connected(service) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head.encode())
        while sent < 1000:
            connection.sendall(part)
            sent += 1
    assert sent < 200
    assert send(service, GOOD["PNG"]).status_code == 200


def test_a_slow_client_is_refused(service, monkeypatch):
    monkeypatch.setattr(_body, "READ_SECONDS", 0.2)
    parts = urlsplit(service.address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Length", "1000")
    connection.putheader("Expect", "100-continue")
    connection.endheaders(b"only a part")
    answer = connection.getresponse()
    assert answer.status == 408
    assert "did not arrive" in json.load(answer)["error"]
    connection.close()


def test_pictures_are_never_written_to_a_file(service, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", forbidden)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", forbidden)
    large = encoded(drawing((1500, 1500)), "BMP")
    assert len(large) > 5e6
    answer = requests.post(f"{service.address}/predict", files={"picture": large}, timeout=30)
    assert answer.status_code == 200


def form(*headers: str) -> bytes:
    """Return a form with one part."""
    return ("--x\r\n" + "".join(f"{line}\r\n" for line in headers) + "\r\na\r\n--x--\r\n").encode()


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ("", b"no boundary"),
        ("; boundary=x", b""),
        ("; boundary=x", b"--y\r\n\r\n"),
        ("; boundary=" + "x" * 300, b"--"),
        ("; boundary=x", form("Content-Disposition: form-data")),
        ("; boundary=x", form('Content-Disposition: form-data; name="picture"')),
        (
            "; boundary=x; charset=no",
            form('Content-Disposition: form-data; name="a"; filename="b"'),
        ),
    ],
)
def test_malformed_forms_get_a_sentence(service, options, body):
    answer = requests.post(
        f"{service.address}/predict",
        data=body,
        headers={"Content-Type": "multipart/form-data" + options},
        timeout=30,
    )
    refused(answer, 400)


def test_malformed_files_never_break_it(service):
    good = [GOOD[name] for name in GOOD] + list(HEIC.values())
    for data in malformed_bodies(good, 60, seed=5):
        answer = send(service, data, map="true")
        if answer.status_code != 200:
            assert 400 <= answer.status_code < 500, (answer.text, data)
            refused(answer, answer.status_code)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({"map": "perhaps"}, "map"), ({"top": 0}, "top"), ({"top": "x"}, "top")],
)
def test_wrong_parameters_are_named(service, parameters, name):
    assert f"'{name}'" in refused(send(service, GOOD["PNG"], **parameters), 422)


def test_other_addresses_and_methods_get_a_sentence(service):
    refused(requests.get(f"{service.address}/../../etc/passwd", timeout=30), 404)
    refused(requests.get(f"{service.address}/page/index.html", timeout=30), 404)
    refused(requests.get(f"{service.address}/predict", timeout=30), 405)
    refused(requests.delete(f"{service.address}/", timeout=30), 405)


def test_an_error_inside_is_logged_and_not_shown(service, monkeypatch, caplog):
    def broken(jobs):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(service._desk._queue, "_compute", broken)
    with caplog.at_level(logging.ERROR):
        sentence = refused(send(service, GOOD["PNG"]), 500)
        until(lambda: "ZeroDivisionError" in caplog.text)  # logged after the answer
    assert "secret" not in sentence
    monkeypatch.undo()
    assert send(service, GOOD["PNG"]).status_code == 200


# --- many requests at a time -------------------------------------------------------------------


class Gate:
    """Holds the classifier of a service back until it is opened, and counts the batches."""

    def __init__(self, service, monkeypatch) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.batches: list[int] = []
        compute = service._desk._queue._compute

        def held(jobs):
            self.batches.append(len(jobs))
            self.entered.set()
            assert self.opened.wait(30)
            return compute(jobs)

        monkeypatch.setattr(service._desk._queue, "_compute", held)


def until(true) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_service_says_when_to_come_back(service, monkeypatch):
    gate = Gate(service, monkeypatch)
    entrance = service._desk.entrance
    monkeypatch.setattr(entrance, "most", 5)
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(send(service, GOOD["PNG"])))
        for _ in range(5)
    ]
    threads[0].start()
    until(gate.entered.is_set)
    for thread in threads[1:]:
        thread.start()
    until(lambda: entrance.count == 5)
    answer = send(service, GOOD["PNG"])
    assert "try again" in refused(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert requests.get(service.address, timeout=30).status_code == 200
    gate.opened.set()
    for thread in threads:
        thread.join()
    assert [each.status_code for each in answers] == [200] * 5
    assert entrance.count == entrance.size == 0
    assert gate.batches[0] == 1, "the first picture did not wait for others"
    assert len(gate.batches) <= 3, "those that waited were classified together"


def test_all_pictures_together_have_a_limit(service, monkeypatch):
    monkeypatch.setattr(service._desk.entrance, "most_bytes", 1000)
    refused(send(service, bytes(5000)), 503)
    assert send(service, GOOD["one pixel"]).status_code == 200
    assert service._desk.entrance.size == 0


def test_an_entrance_counts_what_is_inside():
    entrance = Entrance(1, 10)
    with entrance.place() as place:
        place.grow(10)
        with pytest.raises(Full):
            place.grow(1)
        with pytest.raises(Full), entrance.place():
            pass
    with entrance.place() as place:
        place.grow(10)


def test_the_queue_makes_batches_of_what_waits_and_ends_when_all_is_done():
    gate = threading.Event()
    batches = []

    def compute(items):
        gate.wait(30)
        batches.append(list(items))
        if "bad" in items:
            raise ValueError("bad")
        return [2 * item for item in items]

    queue = BatchQueue(compute, largest=3)
    first = queue.submit(0)
    until(lambda: first.running())
    futures = [queue.submit(item) for item in (1, 2, 3, 4)]
    futures[1].cancel()
    gate.set()
    queue.close()
    assert first.result(0) == 0
    assert [future.result(0) for future in futures if not future.cancelled()] == [2, 6, 8]
    assert batches == [[0], [1, 3], [4]]


def test_an_error_belongs_to_its_batch_alone():
    def compute(items):
        if "bad" in items:
            raise ValueError("bad")
        return items

    queue = BatchQueue(compute, largest=1)
    futures = [queue.submit(item) for item in ("a", "bad", "b")]
    queue.close()
    assert isinstance(futures[1].exception(0), ValueError)
    assert [futures[0].result(0), futures[2].result(0)] == ["a", "b"]


def test_concurrent_pictures_keep_their_answers(service):
    pictures = [encoded(drawing((20 + 3 * k, 30)), "PNG") for k in range(24)]
    expected = [classes(send(service, data).json()) for data in pictures]
    found: dict[int, dict] = {}

    def client(k: int) -> None:
        found[k] = classes(send(service, pictures[k]).json())

    threads = [threading.Thread(target=client, args=(k,)) for k in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(24):
        assert found[k] == pytest.approx(expected[k], abs=1e-5)


# --- who may use it ----------------------------------------------------------------------------


def test_it_listens_on_this_machine_alone(service):
    assert service.address.startswith("http://127.0.0.1:")
    assert service.token is None
    assert service._server.servers == [] or service._socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "192.0.2.7", "", "[", "[::1"])
def test_other_names_of_this_machine_are_refused(service, host):
    refused(requests.get(service.address, headers={"Host": host}, timeout=30), 400)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:9"])
def test_names_of_this_machine_are_taken(service, host):
    assert requests.get(service.address, headers={"Host": host}, timeout=30).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://["]
)
def test_pages_of_other_sites_are_refused(service, origin):
    headers = {"Origin": origin}
    answer = requests.post(
        f"{service.address}/predict", data=GOOD["PNG"], headers=headers, timeout=30
    )
    assert "other sites" in refused(answer, 403)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_its_own_page_is_taken(service):
    headers = {"Origin": service.address}
    answer = requests.post(
        f"{service.address}/predict", data=GOOD["PNG"], headers=headers, timeout=30
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/page.js", "/model", "/nothing"])
def test_every_answer_has_the_headers_that_protect_it(service, path):
    headers = requests.get(service.address + path, timeout=30).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "http" not in headers["Content-Security-Policy"]
    assert "Server" not in headers


@pytest.fixture(scope="module")
def open_service(folder):
    """A service for other machines, reached from this one."""
    running = deployment.Service(folder, "0.0.0.0", 0)
    thread = threading.Thread(target=running.run)
    thread.start()
    until(lambda: running.started)
    running.local = f"http://127.0.0.1:{urlsplit(running.address).port}"
    yield running
    running.stop()
    thread.join()


@pytest.mark.parametrize("path", ["/", "/docs", "/page.js", "/model", "/openapi.json", "/nothing"])
@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token=%ff", "?token=é"])
def test_without_the_token_nothing_is_answered(open_service, path, token):
    answer = requests.get(open_service.local + path + token, timeout=30)
    assert "token" in refused(answer, 401)
    headers = {"Authorization": "Bearer wrong", "Cookie": "course_token=wrong"}
    refused(requests.get(open_service.local + path, headers=headers, timeout=30), 401)


def test_the_token_of_the_address_becomes_a_cookie(open_service):
    with requests.Session() as browser:
        first = browser.get(f"{open_service.local}/?token={open_service.token}", timeout=30)
        assert first.url == f"{open_service.local}/", "the token is not left in the address"
        assert "Classify a picture" in first.text
        cookie = first.history[0].headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        answer = browser.post(f"{open_service.local}/predict", data=GOOD["PNG"], timeout=30)
        assert answer.status_code == 200


@pytest.mark.parametrize("way", ["header", "address"])
def test_programs_send_the_token(open_service, way):
    with_token = {
        "header": {"headers": {"Authorization": f"Bearer {open_service.token}"}},
        "address": {"params": {"token": open_service.token}},
    }
    answer = requests.post(
        f"{open_service.local}/predict", data=GOOD["PNG"], timeout=30, **with_token[way]
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
    ],
)
def test_people_with_a_wrong_link_get_a_page_and_programs_json(open_service, accept, kind):
    address = f"{open_service.local}/?token=<b>wrong</b>"
    answer = requests.get(address, headers={"Accept": accept}, timeout=30)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == kind
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "open the whole address that the service printed" in answer.text
    assert "<b>" not in answer.text


def test_a_token_does_not_lead_to_another_site(open_service):
    address = f"{open_service.local}//evil.example/?token={open_service.token}"
    answer = requests.get(address, allow_redirects=False, timeout=30)
    assert answer.status_code == 404


def test_tokens_are_long_and_new_each_time(folder, open_service):
    other = deployment.Service(folder, "0.0.0.0", 0)
    other._socket.close()
    other._desk.close()
    assert len(other.token) >= 32
    assert other.token != open_service.token


# --- the description of the interface ----------------------------------------------------------


def test_the_description_covers_the_interface(service):
    document = requests.get(f"{service.address}/openapi.json", timeout=30).json()
    assert set(document["paths"]) == {"/model", "/predict"}
    predict = document["paths"]["/predict"]["post"]
    assert set(predict["requestBody"]["content"]) >= {"multipart/form-data"}
    assert {"200", "400", "413", "415", "422", "503"} <= set(predict["responses"])
    answer = send(service, GOOD["PNG"], map="true").json()
    fields = document["components"]["schemas"]["Answer"]["properties"]
    assert set(fields) == set(answer)
    assert all(field["description"] for field in fields.values())


def test_the_page_of_the_description_is_made_of_the_document(service):
    text = requests.get(f"{service.address}/docs", timeout=30).text
    document = requests.get(f"{service.address}/openapi.json", timeout=30).json()
    for name in document["components"]["schemas"]["Answer"]["properties"]:
        assert f"<code>{name}</code>" in text
    for status in document["paths"]["/predict"]["post"]["responses"]:
        assert f">{status}<" in text
    assert f"{service.address}/predict" in text
    assert "<script" not in text


def test_the_model_is_described(service):
    assert requests.get(f"{service.address}/model", timeout=30).json() == {
        "name": "flowers",
        "class_names": list(NAMES),
        "image_size": [32, 32],
        "temperature": 1.5,
        "threshold": 0.9,
    }


# --- start and end -----------------------------------------------------------------------------


def test_answers_are_sent_at_once(service):
    # asyncio turns the delay of small packets (40 ms) off for sockets that name TCP alone.
    assert service._socket.proto == socket.IPPROTO_TCP


def test_it_ends_with_the_block(folder):
    before = threading.active_count()
    with deployment.serving(folder) as running:
        address = running.address
        assert requests.get(address, timeout=30).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)
    assert threading.active_count() == before


def test_what_runs_is_finished_at_the_end_of_the_block(folder, monkeypatch):
    answers = []
    with deployment.serving(folder) as running:
        gate = Gate(running, monkeypatch)
        client = threading.Thread(target=lambda: answers.append(send(running, GOOD["PNG"])))
        client.start()
        assert gate.entered.wait(30)
        threading.Timer(0.3, gate.opened.set).start()
    client.join()
    assert answers[0].status_code == 200


def test_an_error_in_the_block_ends_it_too(folder):
    with pytest.raises(KeyError), deployment.serving(folder) as running:
        raise KeyError
    with pytest.raises(requests.ConnectionError):
        requests.get(running.address, timeout=10)


def test_two_services_cannot_have_one_port(folder, service):
    port = urlsplit(service.address).port
    with (
        pytest.raises(InvalidInput, match=f"^Port {port} is used by another program; choose"),
        deployment.serving(folder, port),
    ):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "x" * 300, "é.\0"])
def test_hosts_that_are_not_here_get_a_sentence(folder, host):
    with pytest.raises(InvalidInput, match="cannot listen at"):
        deployment.Service(folder, host, 0)


@pytest.mark.parametrize("port", [-1, 70000, "8000", 1.5])
def test_ports_that_do_not_exist_get_a_sentence(folder, port):
    with pytest.raises(InvalidInput, match="port is"), deployment.serving(folder, port):
        pass


def test_a_model_in_memory_or_of_another_kind(folder, tmp_path):
    with deployment.serving(deployment.load_exported(folder)) as running:
        assert send(running, GOOD["PNG"]).status_code == 200
    with pytest.raises(InvalidInput, match=r"write it with deployment\.export"):
        find_classifier(dense_baseline((8, 8, 3), 2))
    with pytest.raises(MissingData, match="There is no"):
        find_classifier(tmp_path / "nothing")


def test_work_is_the_folder_of_the_student_from_anywhere(tmp_path, folder, monkeypatch):
    mine = tmp_path / "my work"
    shutil.copytree(folder, mine / "models" / "mugs")
    monkeypatch.setenv("COURSE_WORK", str(mine))
    monkeypatch.chdir(mine)  # as in the terminal of JupyterLab
    assert find_classifier("work/models/mugs").name == "mugs"
    assert find_classifier("models/mugs/model.keras").name == "mugs"
    with pytest.raises(MissingData, match="my work/models/cups"):
        find_classifier("work/models/cups")
    with pytest.raises(MissingData, match="There is no"):
        find_classifier("elsewhere/models/mugs")
    shutil.copytree(folder, mine / "work" / "models" / "near")  # what is there has priority
    assert find_classifier("work/models/near").name == "near"


@pytest.mark.parametrize(
    ("listed", "inside"),
    [(None, "127.0.0.1"), ("intranet.example", "intranet.example,127.0.0.1"), ("*", "*")],
)
def test_the_proxy_of_a_school_is_not_asked_for_this_machine(folder, monkeypatch, listed, inside):
    nobody = "http://127.0.0.1:9"
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, nobody)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    if listed is not None:
        monkeypatch.setenv("NO_PROXY", listed)
    before = dict(os.environ)
    with deployment.serving(folder) as running:
        assert os.environ["NO_PROXY"] == inside
        assert send(running, GOOD["PNG"]).status_code == 200
    assert dict(os.environ) == before


def test_the_newest_export_is_found(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    assert newest_export(tmp_path) is None
    for name in ("old", "lessons/new", "cache/newer", ".hidden/newest", "no_model"):
        (tmp_path / name).mkdir(parents=True)
    card = (folder / "model.json").read_bytes()
    for age, name in enumerate((".hidden/newest", "cache/newer", "lessons/new", "old")):
        (tmp_path / name / "model.json").write_bytes(card)
        os.utime(tmp_path / name / "model.json", (10**9 - age, 10**9 - age))
    assert newest_export(tmp_path) == tmp_path / "lessons" / "new"
    assert newest_export(tmp_path / "nothing") is None


def test_by_default_the_lesson_model_is_served(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    with deployment.serving() as running:
        model = requests.get(f"{running.address}/model", timeout=30).json()
    assert model["name"] == "lesson model"
    assert model["class_names"] == list(datasets.load("paper_flowers", image_size=96).class_names)
    assert 0 < model["threshold"] < 1
