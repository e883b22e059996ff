"""Read the picture of a request, from a form or from the whole body, within the limits.

The bytes stay in memory; no file is written, and file names are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from course_utils.deployment.service._batches import Place
from course_utils.deployment.service._refusals import Refused

MOST_BYTES = 20_000_000
#: What a form may add to a picture: boundaries and headers of the parts.
_FORM_BYTES = 20_000
#: A client that sends for a longer time is refused, so that it does not keep its place.
READ_SECONDS = 60.0

_NO_PICTURE = (
    "The request holds no picture: send an image file as the body, or as the field 'picture' of a "
    "form (multipart/form-data)."
)


class _FormParser(MultiPartParser):
    """The parser of forms, which keeps files of the allowed size in memory."""

    spool_max_size = MOST_BYTES + 1


async def read_picture(request: Request, place: Place) -> bytes:
    """Return the bytes of the picture.

    Parameters
    ----------
    request : Request
    place : Place
        Counts the bytes.

    Raises
    ------
    Refused
        400 if there is no picture, 408 if the client is too slow, 413 if it sends too much.
    Full
        If all requests together hold too many bytes.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    is_form = kind.lower() == b"multipart/form-data"
    most = MOST_BYTES + (_FORM_BYTES if is_form else 0)
    _check_announced(request, most)
    stream = _limited(request, place, most)
    try:
        async with asyncio.timeout(READ_SECONDS):
            data = await _from_form(request, stream) if is_form else await _whole(stream)
    except TimeoutError:
        raise Refused(
            408, f"The picture did not arrive within {READ_SECONDS:.0f} seconds; send it again."
        ) from None
    if len(data) > MOST_BYTES:
        raise _too_large()
    return data


def _check_announced(request: Request, most: int) -> None:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most:
        raise _too_large()


def _too_large() -> Refused:
    return Refused(
        413, f"The file has more than {MOST_BYTES // 10**6} MB; send a smaller or compressed one."
    )


async def _limited(request: Request, place: Place, most: int) -> AsyncGenerator[bytes, None]:
    """Yield the body in parts; stop as soon as it has more than `most` bytes."""
    read = 0
    async for part in request.stream():
        read += len(part)
        if read > most:
            raise _too_large()
        place.grow(len(part))
        yield part


async def _whole(stream: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([part async for part in stream])


async def _from_form(request: Request, stream: AsyncGenerator[bytes, None]) -> bytes:
    """Return the content of the field ``picture``."""
    parser = _FormParser(request.headers, stream, max_files=1, max_fields=10, max_part_size=10_000)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(400, f"The form cannot be read: {error.message}") from None
    try:
        picture = form.get("picture")
        if not isinstance(picture, UploadFile):
            raise Refused(400, _NO_PICTURE)
        return await picture.read()
    finally:
        await form.close()
