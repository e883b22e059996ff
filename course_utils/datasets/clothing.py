"""clothing: 3,781 photographs of ten kinds of clothes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from course_utils.datasets import _download, _source, decoding, folder

#: In alphabetical order.
CLASS_NAMES = (
    *("dress", "hat", "longsleeve", "outwear", "pants"),
    *("shirt", "shoes", "shorts", "skirt", "t-shirt"),
)

#: Number of photographs in each split.
COUNTS = {"train": 3068, "validation": 341, "test": 372}

_COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
_FOLDER = "clothing-dataset-small"


def names_digest(path: Path) -> str:
    """Return the SHA-256 of the sorted names ``SPLIT/CLASS/FILE.jpg``, joined by line feeds."""
    names = [
        f"{split}/{class_folder.name}/{file.name}"
        for split in COUNTS
        for class_folder in _folders(path / split)
        for file in class_folder.iterdir()
        if file.suffix.lower() in decoding.IMAGE_ENDINGS and not file.name.startswith(".")
    ]
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogateescape")).hexdigest()


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return [inner for inner in path.iterdir() if inner.is_dir() and not inner.name.startswith(".")]


@dataclass(frozen=True, kw_only=True)
class Clothing(_source.PhotoFolder):
    """The dataset with the splits of its authors.

    GitHub repacks its archives from time to time, so the names and the images in the archive are
    checked instead of its own digest.
    """

    digest: str

    def is_complete(self, path: Path) -> bool:
        """Return whether a folder holds exactly the files of the dataset."""
        try:
            return names_digest(path) == self.digest
        except OSError:
            return False

    def check_unpacked(self, path: Path) -> None:
        """Raise CorruptArchive if there are missing, extra or undecodable files."""
        if not self.is_complete(path):
            raise _download.CorruptArchive("it does not hold exactly the files that it should")
        files = [image.file for image in folder.scan(path).images]
        for chunk in decoding.decode_all(files, (8, 8), 3, "clothing, to check it"):
            broken = [decoded for decoded in chunk if decoded.image is None]
            if broken:
                raise _download.CorruptArchive(f"an image in it {broken[0].reason}")

    def incomplete(self) -> str:
        """Return a remark on an incomplete copy on this machine, or nothing."""
        for root in _source.roots():
            if (root / _FOLDER).is_dir():
                return f" ({root / _FOLDER} does not hold exactly the files of the whole set)"
        return ""


SOURCE = Clothing(
    name="clothing",
    title="photographs of ten kinds of clothes",
    images=sum(COUNTS.values()),
    class_names=CLASS_NAMES,
    license="CC0 1.0",
    url=f"https://github.com/alexeygrigorev/clothing-dataset-small/archive/{_COMMIT}.tar.gz",
    sha256=None,
    size=115_000_000,
    prefix=f"{_FOLDER}-{_COMMIT}",
    content=_FOLDER,
    digest="c7a5ea344870477a035e76171589b72c58516b96e74fa0c07916bcbee9497d83",
)
