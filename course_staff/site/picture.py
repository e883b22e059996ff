"""The picture of the course at the top of README.md, put together from figures of the lessons."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from course_staff.site import parts
from course_utils import settings
from course_utils.files import write_atomic
from course_utils.workspace.lessons import all_lessons

#: Cells with the figures, and what stands above each.
SHOWN = (
    ("L01-first-window-figure", "Compute a convolution by hand"),
    ("L03-small-figure", "Build networks, and predict every shape"),
    ("L05-one-vs-rest", "See which mistakes they make"),
    ("L07-two-maps", "Find out what they look at"),
)
#: Size of one of the four places, and the room around the figures.
_WIDTH, _HEIGHT, _EDGE, _HEAD = 620, 300, 16, 46


def picture_file() -> Path:
    """Return where the picture is stored."""
    return settings.course_root() / "docs" / "_static" / "course.png"


def make_picture() -> Image.Image:
    """Return the picture: four figures of the lessons, two in a row, each with its words."""
    lessons = {path.name[:2]: path for path in all_lessons()}
    whole = Image.new("RGB", (2 * _WIDTH, 2 * _HEIGHT), "white")
    draw = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=21)
    for number, (cell, words) in enumerate(SHOWN):
        left, top = number % 2 * _WIDTH, number // 2 * _HEIGHT
        figure = _figure(parts.read_lesson(lessons[cell[1:3]]), cell)
        figure.thumbnail((_WIDTH - 2 * _EDGE, _HEIGHT - _HEAD - _EDGE), Image.Resampling.LANCZOS)
        free = _HEIGHT - _HEAD - _EDGE - figure.height
        place = (left + (_WIDTH - figure.width) // 2, top + _HEAD + free // 2)
        whole.paste(figure, place)
        draw.text((left + _EDGE, top + 10), f"{cell[1:3]}  {words}", "#00568a", font)
    for line in ((_WIDTH, 0, _WIDTH, 2 * _HEIGHT), (0, _HEIGHT, 2 * _WIDTH, _HEIGHT)):
        draw.line(line, "#c8ccd0", 1)
    return whole.quantize(256, dither=Image.Dither.NONE)


def _figure(lesson: parts.Lesson, name: str) -> Image.Image:
    outputs = lesson.cell(name).outputs
    (data,) = [made.data["image/png"] for made in outputs if "image/png" in made.get("data", {})]
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def main() -> None:
    """Store the picture."""
    buffer = io.BytesIO()
    make_picture().save(buffer, "PNG", optimize=True)
    write_atomic(picture_file(), buffer.getvalue())
    print(f"{picture_file().name}: {len(buffer.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
