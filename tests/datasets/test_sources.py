"""Every dataset of the registry is complete: listed, documented, and one sentence if absent."""

from __future__ import annotations

import re
import socket

import pytest

from course_utils import datasets, settings
from course_utils.datasets._source import DownloadSource, PhotoFolder, Source
from course_utils.datasets.registry import SOURCES
from course_utils.exceptions import InvalidInput, MissingData

each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@pytest.fixture
def absent(nothing_here, monkeypatch):
    """Simulate a machine with no dataset at all, where using the network is an error."""

    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(settings, "shipped_data", lambda: nothing_here / "data")
    return nothing_here


def implements(source: Source, method: str, base: type) -> bool:
    """Return whether the class of a source has a method of its own in place of that of `base`."""
    return getattr(type(source), method) is not getattr(base, method)


@each_source
def test_it_is_described_and_listed(source, absent):
    assert SOURCES[source.name] is source
    assert re.fullmatch(r"[a-z][a-z0-9_]*", source.name)
    assert len(set(source.class_names)) == len(source.class_names) >= 2
    row = datasets.available().set_index("name").loc[source.name]
    assert (row["title"], row["license"]) == (source.title, source.license)
    assert row["title"]
    assert row["license"]
    assert row["images"] == source.images > 0
    assert row["classes"] == len(source.class_names)
    assert (row["here"], row["where"]) == (False, "")
    assert row["how to get"] == source.how


@each_source
def test_where_it_is_absent_one_sentence_says_what_to_do_and_nothing_is_downloaded(source, absent):
    with pytest.raises(MissingData) as caught:
        datasets.load(source.name)
    assert re.fullmatch(rf"{source.name} .+; .+\.", str(caught.value))  # what is wrong; what to do
    if isinstance(source, DownloadSource):
        assert f"'course data get {source.name}'" in str(caught.value)
        assert source.content in str(caught.value)
    error = MissingData if source.has_image_files else InvalidInput
    with pytest.raises(error, match=rf"{source.name}.*\.$"):
        datasets.image_folder(source.name)
    assert list(absent.iterdir()) == []


@each_source
def test_its_class_has_the_methods_that_its_base_class_needs(source, tmp_path):
    base = PhotoFolder if isinstance(source, PhotoFolder) else Source
    if base is PhotoFolder:
        assert implements(source, "is_complete", PhotoFolder)
        assert not source.is_complete(tmp_path)
        assert not source.is_complete(tmp_path / "nothing")
    elif source.has_image_files:
        assert implements(source, "image_folder", Source)
    else:
        assert implements(source, "load", Source)
        assert implements(source, "locate", Source)
    if isinstance(source, DownloadSource):
        assert implements(source, "download", Source)
        assert source.downloaded_paths()
        assert source.url.startswith("https://")
        assert source.size > 0
        if source.sha256 is not None:
            assert re.fullmatch("[0-9a-f]{64}", source.sha256)
        elif base is PhotoFolder:  # the archive is verified by what was unpacked
            assert implements(source, "check_unpacked", PhotoFolder)


NAMES = {
    "load": list(SOURCES),
    "download": [one.name for one in SOURCES.values() if isinstance(one, DownloadSource)],
    "remove": [one.name for one in SOURCES.values() if isinstance(one, DownloadSource)],
    "image_folder": [one.name for one in SOURCES.values() if one.has_image_files],
}


@pytest.mark.parametrize("function", NAMES)
def test_docstrings_list_the_names(function):
    listed = re.findall(r'``"(\w+)"``', getattr(datasets, function).__doc__)
    assert sorted(listed) == sorted(NAMES[function])


@each_source
def test_the_readme_names_it(source):
    text = (settings.course_root() / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## Data$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    if isinstance(source, DownloadSource):  # as what COURSE_DATA may hold
        (section,) = re.findall(r"^Do you have the data already\?.*?\n\n", section, re.M | re.S)
        assert f"`{source.content}" in section
    else:
        assert f"`{source.name}`" in section
