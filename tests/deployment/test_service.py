"""The web service: what it answers to pictures and to bad requests, over real HTTP."""

from __future__ import annotations

import base64
import io

import keras
import numpy as np
import pytest
import requests
from heic_pictures import HEIC
from PIL import Image

from course_utils import datasets, deployment, explain
from course_utils.models import small_cnn

NAMES = ("daisy", "rose", "tulip", "sunflower")


def picture(color=(200, 30, 30), size=(60, 40), kind="PNG", **options) -> bytes:
    """Return an image file: one color with a black corner, so that rotations show."""
    image = Image.new("RGB", size, color)
    image.paste((0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def image_of(address: str) -> Image.Image:
    """Return the image of a ``data:`` address."""
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    keras.utils.set_random_seed(3)
    model = small_cnn((32, 32, 3), len(NAMES))
    place = tmp_path_factory.mktemp("exported") / "flowers"
    deployment.export(
        model, place, class_names=NAMES, formats=("keras",), temperature=1.5, threshold=0.9
    )
    return place


@pytest.fixture(scope="module")
def service(folder):
    with deployment.serving(folder) as running:
        yield running


def send(service, data: bytes, **parameters):
    return requests.post(f"{service.address}/predict", data=data, params=parameters, timeout=30)


def test_it_answers_as_the_exported_network_does(service, folder):
    data = picture()
    answer = send(service, data)
    (expected,) = deployment.load_exported(folder).classify([data])
    assert answer.status_code == 200
    content = answer.json()
    assert [one["name"] for one in content["classes"]] == [n for n, _ in expected.classes[:3]]
    assert [one["probability"] for one in content["classes"]] == pytest.approx(
        [p for _, p in expected.classes[:3]], abs=1e-5
    )
    assert content["unsure"] is True
    assert content["threshold"] == 0.9
    assert content["map"] is content["picture"] is content["note"] is None


def test_a_form_and_a_body_get_the_same_answer(service):
    data = picture()
    files = {"picture": ("../../etc/passwd", data)}
    by_form = requests.post(f"{service.address}/predict", files=files, timeout=30)
    assert by_form.json() == send(service, data).json()


def test_the_map_is_the_grad_cam_of_the_best_class(service, folder):
    data = picture()
    answer = send(service, data, map="true").json()
    model = deployment.load_exported(folder).model
    pixels = datasets.decode(data, 32)[None]
    expected = explain.heat_layer(explain.grad_cam(model, pixels))[0]
    layer = np.asarray(image_of(answer["map"])).astype(int)
    assert layer.shape == (32, 32, 4)
    assert np.abs(layer - expected).max() <= 1
    preview = image_of(answer["picture"])
    assert preview.size == (60, 40)
    assert np.abs(np.asarray(preview).astype(int)[35, 55] - (200, 30, 30)).max() < 12


@pytest.mark.parametrize("name", HEIC)
def test_heic_pictures_are_answered_and_shown(service, name):
    answer = send(service, HEIC[name], map="true")
    assert answer.status_code == 200
    assert image_of(answer.json()["picture"]).size == (24, 16)


def test_it_ends_with_the_block(folder):
    with deployment.serving(folder) as running:
        address = running.address
        assert requests.get(f"{address}/model", timeout=10).json()["class_names"] == list(NAMES)
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)
