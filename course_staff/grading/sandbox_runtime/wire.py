"""Messages between the scoring process and the one that runs a student's code.

A message is JSON, followed by the arrays in it as ``.npy``. Neither side ever unpickles anything,
and what is read is checked before memory is set aside for it, since the other side may be hostile.

======================  ==================================================
plain data              in JSON
======================  ==================================================
None, bool, int, float  as they are (NaN and Infinity too)
str, list               as they are
tuple                   ``{"tuple": [...]}``
dict                    ``{"dict": [[key, value], ...]}``
complex                 ``{"complex": [real, imaginary]}``
Ref                     ``{"ref": key}``
array                   ``{"array": n}``: the n-th ``.npy`` behind the JSON
======================  ==================================================
"""

from __future__ import annotations

import io
import json
import math
import socket
import struct
from typing import Any

import numpy as np

from course_utils.student_work import Ref

#: The most bytes of JSON, of all arrays of a message, and the most arrays. What is asked may be
#: longer than what is answered: it holds the text of cells.
LARGEST_TEXT = 16 * 2**20
LARGEST_REQUEST = 128 * 2**20
LARGEST_DATA = 256 * 2**20
MOST_ARRAYS = 4096

_HEAD = struct.Struct(">II")
_SIZE = struct.Struct(">Q")


class NotAMessage(Exception):
    """The received bytes are no valid message."""


class Closed(Exception):
    """The other side has closed the channel."""


# --- values and bytes ------------------------------------------------------------------------


def encode(value: Any, most: int = LARGEST_TEXT) -> bytes:
    """Return plain data as the bytes of one message, with at most so many bytes of JSON.

    Raises
    ------
    NotAMessage
        If something in it is no plain data, or it is too large.
    """
    arrays: list[bytes] = []
    try:
        text = json.dumps(_to_json(value, arrays)).encode()
    except (RecursionError, ValueError) as error:
        raise NotAMessage(f"cannot be sent: {error}") from None
    if len(text) > most or len(arrays) > MOST_ARRAYS:
        raise NotAMessage("it is too long to be sent")
    if sum(map(len, arrays)) > LARGEST_DATA:
        raise NotAMessage("its arrays are too large to be sent")
    parts = [_HEAD.pack(len(text), len(arrays)), text]
    for array in arrays:
        parts += [_SIZE.pack(len(array)), array]
    return b"".join(parts)


def _to_json(value: Any, arrays: list[bytes]) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_to_json(entry, arrays) for entry in value]
    if kind is tuple:
        return {"tuple": [_to_json(entry, arrays) for entry in value]}
    if kind is dict:
        pairs = value.items()
        return {"dict": [[_to_json(k, arrays), _to_json(v, arrays)] for k, v in pairs]}
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    if kind is Ref:
        return {"ref": value.key}
    if kind is np.ndarray and value.dtype.kind in "biufcU":
        stream = io.BytesIO()
        np.lib.format.write_array(stream, value, allow_pickle=False)
        arrays.append(stream.getvalue())
        return {"array": len(arrays) - 1}
    raise NotAMessage(f"a value of type {kind.__name__} cannot be sent")


def decode(text: bytes, arrays: list[bytes]) -> Any:
    """Return the plain data of a message.

    Raises
    ------
    NotAMessage
        If it is not as `encode` makes it.
    """
    try:
        return _from_json(json.loads(text), [_array(array) for array in arrays])
    except Exception as error:  # whatever hostile bytes lead to, it is damage to the message
        raise NotAMessage(f"damaged: {type(error).__name__}") from None


def _from_json(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_from_json(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(_from_json(entry, arrays) for entry in content)
    if kind == "dict":
        return {_from_json(k, arrays): _from_json(v, arrays) for k, v in content}
    if kind == "complex":
        real, imaginary = content
        return complex(real, imaginary)
    if kind == "ref" and isinstance(content, str):
        return Ref(content)
    if kind == "array" and type(content) is int and content >= 0:
        return arrays[content]
    raise ValueError(kind)


def _array(data: bytes) -> np.ndarray:
    """Read one ``.npy``; its header is checked against the bytes that are there."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("version")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "biufcU" or dtype.hasobject or dtype.subdtype is not None:
        raise ValueError("dtype")
    if len(shape) > 16 or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError("shape")
    rest = memoryview(data)[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(rest):
        raise ValueError("size")
    if dtype.itemsize == 0 and math.prod(shape) > 2**20:
        raise ValueError("size")
    array = np.ndarray(shape, dtype, rest, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=True)


# --- sockets ---------------------------------------------------------------------------------


def send(channel: socket.socket, value: Any, most: int = LARGEST_TEXT) -> None:
    """Send plain data, with at most so many bytes of JSON.

    Raises
    ------
    NotAMessage, Closed
        If it cannot be sent, or nobody is there any more.
    """
    post(channel, encode(value, most))


def post(channel: socket.socket, data: bytes) -> None:
    """Send a message that `encode` made; raise Closed if nobody is there any more."""
    try:
        channel.sendall(data)
    except TimeoutError:
        raise
    except OSError:
        raise Closed from None


def receive(channel: socket.socket, most: int = LARGEST_TEXT) -> Any:
    """Wait for a message with at most so many bytes of JSON, and return the plain data in it.

    Raises
    ------
    NotAMessage, Closed
        If what comes is no message, or nobody is there any more.
    TimeoutError
        If the time that was set for the socket is up.
    """
    length, number = _HEAD.unpack(_exactly(channel, _HEAD.size))
    if length > most or number > MOST_ARRAYS:
        raise NotAMessage("it is too long")
    text = _exactly(channel, length)
    arrays: list[bytes] = []
    left = LARGEST_DATA
    for _ in range(number):
        (size,) = _SIZE.unpack(_exactly(channel, _SIZE.size))
        left -= size
        if left < 0:
            raise NotAMessage("its arrays are too large")
        arrays.append(_exactly(channel, size))
    return decode(text, arrays)


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = channel.recv(min(size - len(parts), 2**20))
        except TimeoutError:
            raise
        except OSError:
            raise Closed from None
        if not part:
            raise Closed
        parts += part
    return bytes(parts)
