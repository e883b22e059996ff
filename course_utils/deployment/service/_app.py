"""The application: the addresses of the service and what they answer."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from course_utils import __version__
from course_utils.datasets.display import image_address
from course_utils.deployment.card import ModelInfo
from course_utils.deployment.service import _pictures
from course_utils.deployment.service._batches import BatchQueue, Entrance, Full
from course_utils.deployment.service._body import MOST_BYTES, read_picture
from course_utils.deployment.service._classifier import Classifier, Job, Result
from course_utils.deployment.service._description import describe
from course_utils.deployment.service._refusals import Refusal, Refused

#: Requests that are in the server at a time, and bytes of pictures that they hold together.
MOST_REQUESTS = 64
MOST_BYTES_TOGETHER = 256_000_000
#: Threads that decode pictures.
DECODERS = min(4, os.cpu_count() or 1)

_FILES = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}


class ClassProbability(BaseModel):
    """A class and its probability."""

    name: str = Field(description="Name of the class.", examples=["daisy"])
    probability: float = Field(description="Calibrated probability, 0 to 1.", examples=[0.93])


class Answer(BaseModel):
    """What the model says of a picture."""

    classes: list[ClassProbability] = Field(description="The likeliest classes, best first.")
    unsure: bool = Field(
        description="Whether the best probability is below the threshold: 'not sure'."
    )
    threshold: float | None = Field(description="The threshold; null if the model has none.")
    picture: str | None = Field(
        None, description="With map=true: the upright picture, a data: address of a JPEG."
    )
    map: str | None = Field(
        None,
        description="With map=true: the Grad-CAM map of the best class, a data: address of a "
        "transparent PNG to be stretched over the picture.",
    )
    note: str | None = Field(None, description="Why there is no map although map=true.")


class Model(BaseModel):
    """The model of the service."""

    name: str = Field(description="Name of the model.", examples=["lesson model"])
    class_names: list[str] = Field(description="All classes, in the order of the outputs.")
    image_size: list[int] = Field(
        description="Height and width in pixels to which pictures are resized.",
        examples=[[96, 96]],
    )
    temperature: float = Field(description="Divides the logits; calibrates the probabilities.")
    threshold: float | None = Field(description="Below this probability: 'not sure'.")


class Problem(BaseModel):
    """Why there is no answer."""

    error: str = Field(description="One sentence: what is wrong and what to do.")


_STATUSES = {
    400: "The request holds no picture, or is malformed.",
    408: "The picture did not arrive in time.",
    413: f"More than {MOST_BYTES // 10**6} MB, or more than "
    f"{_pictures.MOST_PIXELS // 10**6} million pixels.",
    415: "The file is no picture, or of a kind that is not read.",
    422: "The picture is damaged, or a parameter is wrong.",
    500: "An error in the service; its log says more.",
    503: "Too many requests at a time; try again after the seconds of the header Retry-After.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text} for status, text in _STATUSES.items()
}
_BINARY = {"type": "string", "format": "binary"}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The picture: JPEG, PNG, HEIC, WebP, TIFF, GIF, BMP or AVIF.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["picture"],
                    "properties": {"picture": _BINARY},
                }
            },
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}


class Desk:
    """Takes a picture through reading, decoding and the model.

    Parameters
    ----------
    classifier : Classifier
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.entrance = Entrance(MOST_REQUESTS, MOST_BYTES_TOGETHER)
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decoder")
        self._queue = BatchQueue(classifier.classify)

    async def classify(self, request: Request, with_map: bool) -> tuple[Result, Any]:
        """Return the result for the picture of a request, and the preview.

        Raises
        ------
        Refused
            If the picture cannot be classified.
        Full
            If too many requests are in the server.
        """
        with self.entrance.place() as place:
            data = await read_picture(request, place)
            picture = await asyncio.get_running_loop().run_in_executor(
                self._decoders, _pictures.decode, data, self.classifier.card.input_shape, with_map
            )
            job = Job(picture.pixels, with_map)
            result = await asyncio.wrap_future(self._queue.submit(job))
            return result, picture.preview

    def close(self) -> None:
        """End the threads when the pictures that wait are classified."""
        self._decoders.shutdown()
        self._queue.close()


def application(desk: Desk) -> FastAPI:
    """Return the application for one model.

    Parameters
    ----------
    desk : Desk

    Returns
    -------
    FastAPI
    """
    app = FastAPI(
        title="Classify a picture",
        version=__version__,
        description=f"The model tells {len(desk.classifier.card.class_names)} classes apart.",
        docs_url=None,  # FastAPI's page loads its scripts from another machine
        redoc_url=None,
    )
    _add_page(app)
    _add_problems(app)
    card = desk.classifier.card

    @app.get("/model", summary="Describe the model.", response_description="The model.")
    async def model() -> Model:
        return Model(
            name=desk.classifier.name,
            class_names=list(card.class_names),
            image_size=list(card.image_size),
            temperature=card.temperature,
            threshold=card.threshold,
        )

    @app.post(
        "/predict",
        summary="Classify a picture.",
        response_model=Answer,
        response_description="The classes, and the map if it was asked for.",
        responses=_PROBLEMS,
        openapi_extra=_BODY,
    )
    async def predict(
        request: Request,
        top: Annotated[int, Query(ge=1, description="How many classes to return.")] = 3,
        map: Annotated[bool, Query(description="Whether to return a heat map, too.")] = False,
    ) -> Response:
        result, preview = await desk.classify(request, with_map=map)
        answer = answer_of(card, result, preview, top)
        return Response(answer.model_dump_json(), media_type="application/json")

    return app


def answer_of(card: ModelInfo, result: Result, preview: Any, top: int) -> Answer:
    """Put a result into words: the `top` likeliest classes, whether it is sure, the pictures."""
    best = (-result.probabilities).argsort(kind="stable")[:top]
    highest = float(result.probabilities.max())
    return Answer(
        classes=[
            ClassProbability(name=card.class_names[i], probability=float(result.probabilities[i]))
            for i in best
        ],
        unsure=card.threshold is not None and highest < card.threshold,
        threshold=card.threshold,
        picture=None if preview is None else image_address(preview, quality=85),
        map=None if result.layer is None else image_address(result.layer),
        note=result.note or None,
    )


def _add_page(app: FastAPI) -> None:
    """Add the files of the page and the description of the interface."""
    folder = resources.files("course_utils.deployment.service") / "page"

    def file_at(address: str, name: str, kind: str) -> None:
        content = (folder / name).read_bytes()

        @app.get(address, include_in_schema=False)
        async def file() -> Response:
            return Response(content, media_type=kind)

    for address, (name, kind) in _FILES.items():
        file_at(address, name, kind)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        page = describe(app.openapi(), str(request.base_url).rstrip("/"))
        return Response(page, media_type="text/html")


def _add_problems(app: FastAPI) -> None:
    """Turn every error into a status and one sentence."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return Refusal(error.status, error.sentence, error.headers)

    @app.exception_handler(Full)
    async def full(_: Request, __: Full) -> Response:
        sentence = "The service has too many requests at the moment; try again in a second."
        return Refusal(503, sentence, {"retry-after": "1"})

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = first["loc"][-1]
        return Refusal(422, f"The parameter {name!r} is wrong: {first['msg']}; see /docs.")

    @app.exception_handler(HTTPException)
    async def known(request: Request, error: HTTPException) -> Response:
        sentences = {
            404: "There is nothing at this address; the page is at / and the interface at /docs.",
            405: f"This address does not take {request.method}; see /docs.",
        }
        sentence = sentences.get(error.status_code, str(error.detail))
        return Refusal(error.status_code, sentence, dict(error.headers or {}))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> Response:
        # The server writes the traceback to its log.
        return Refusal(500, "The picture was not classified, because of an error in the service.")
