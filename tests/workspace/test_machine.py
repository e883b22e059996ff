"""The check of the machine: the facts that are collected, and their verdicts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from course_utils.workspace import machine
from course_utils.workspace.machine import Card, Facts, TensorFlow

GB = 10**9

GOOD = Facts(
    python=(3, 12, 1),
    bits=64,
    system="Linux",
    processors=2,
    needs={"tensorflow": ">=2.21,<2.22", "pillow": ">=11"},
    installed={"tensorflow": "2.21.0", "pillow": "13.0.0"},
    memory=8 * GB,
    memory_free=5 * GB,
    work=Path("work"),
    work_writable=True,
    disk_free=50 * GB,
    paper_flowers=2400,
    datasets=("paper_flowers", "tf_flowers"),
)


def judged(what: str, **changes) -> machine.Finding:
    """Return the finding on `what` that is not ok, or the first one."""
    found = [finding for finding in machine.judge(replace(GOOD, **changes)) if finding.what == what]
    return next((finding for finding in found if finding.verdict != "ok"), found[0])


def test_a_good_machine_is_ready_with_one_line_for_each_thing():
    findings = machine.judge(GOOD)
    assert {finding.verdict for finding in findings} == {"ok"}
    assert machine.ready(findings)
    names = [finding.what for finding in findings]
    assert names == ["Python", "packages", "TensorFlow", "memory", "disk", "data", "GPU"]
    assert all("\n" not in finding.text for finding in findings)


@pytest.mark.parametrize(
    ("what", "changes", "verdict", "words"),
    [
        ("Python", {"python": (3, 10, 9)}, "stop", "3.11, 3.12 or 3.13"),
        ("Python", {"python": (3, 14, 0)}, "stop", "3.11, 3.12 or 3.13"),
        ("Python", {"bits": 32}, "stop", "64-bit"),
        ("packages", {"installed": {"pillow": "13.0.0"}}, "stop", "tensorflow is not installed"),
        ("packages", {"needs": {}}, "stop", "course_utils is not installed"),
        (
            "packages",
            {"installed": {"tensorflow": "2.15.0", "pillow": "13.0.0"}},
            "stop",
            "'make setup'",
        ),
        (
            "packages",
            {"installed": {"tensorflow": "2.30.0", "pillow": "13.0.0"}},
            "note",
            "if a lesson fails",
        ),
        ("TensorFlow", {"tensorflow": TensorFlow(error="it cannot be imported")}, "stop", "cannot"),
        ("memory", {"memory": 2 * GB}, "stop", "need 3 GB"),
        ("memory", {"memory_free": 1 * GB}, "note", "close other programs"),
        ("disk", {"disk_free": GB // 10}, "stop", "COURSE_WORK"),
        ("disk", {"disk_free": GB}, "note", "COURSE_WORK"),
        ("disk", {"work_writable": False}, "stop", "cannot be written"),
        ("data", {"paper_flowers": 0}, "stop", "git checkout data"),
        ("settings", {"settings_errors": ("COURSE_EPOCHS is 'ten'",)}, "stop", "ten"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(what, changes, verdict, words):
    finding = judged(what, **changes)
    assert finding.verdict == verdict
    assert words in finding.text
    assert machine.ready([finding]) == (verdict != "stop")


CARD = Card("NVIDIA T4", driver=True)


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "ok", "no NVIDIA card"),
        ({"card": CARD, "tensorflow": TensorFlow(gpus=("NVIDIA T4",))}, "ok", "uses NVIDIA T4"),
        ({"card": CARD}, "note", "libraries are not installed: run 'make setup GPU=1'"),
        ({"card": Card("NVIDIA card", driver=False)}, "note", "install the driver"),
        ({"card": CARD, "cuda_libraries": True}, "note", "update the driver"),
        ({"card": CARD, "system": "Windows"}, "note", "WSL2"),
        ({"card": CARD, "cuda_hidden": True}, "note", "CUDA_VISIBLE_DEVICES"),
        ({"card": CARD, "tensorflow": TensorFlow(error="x")}, "note", "first fix TensorFlow"),
    ],
)
def test_a_card_without_libraries_is_told_from_no_card(changes, verdict, words):
    finding = judged("GPU", **changes)
    assert finding.verdict == verdict
    assert words in finding.text


def a_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_card_is_found_with_and_without_its_driver(tmp_path):
    assert machine.find_card(tmp_path) is None
    device = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    a_file(device / "vendor", "0x8086\n")
    a_file(device / "class", "0x030000\n")
    assert machine.find_card(tmp_path) is None, "Intel's graphics are no NVIDIA card"
    a_file(device / "vendor", "0x10de\n")
    a_file(device / "class", "0x040300\n")
    assert machine.find_card(tmp_path) is None, "the sound part of a card is no card"
    a_file(device / "class", "0x030200\n")
    assert machine.find_card(tmp_path) == Card("NVIDIA card", driver=False)
    a_file(
        tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information",
        "Model: \t\t NVIDIA H100\nIRQ: 1\n",
    )
    assert machine.find_card(tmp_path) == Card("NVIDIA H100", driver=True)


def test_the_memory_limit_of_a_container_counts(tmp_path):
    assert machine._memory_limit(tmp_path) > 10**15
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._memory_limit(tmp_path) > 10**15
    (tmp_path / "memory.max").write_text("2000000000\n")
    assert machine._memory_limit(tmp_path) == 2 * GB


def test_a_tensorflow_that_does_not_import_is_one_sentence():
    def probe(code):
        return machine.probe_tensorflow((sys.executable, "-c", code))

    assert "No module named 'nothing'" in probe("import nothing").error
    assert "AVX" in probe("import os; os.kill(os.getpid(), 4)").error
    assert probe("print('noise'); print('[\"NVIDIA T4\"]')") == TensorFlow(gpus=("NVIDIA T4",))


def test_the_needs_are_those_of_the_package():
    needs = machine._needs()
    assert "tensorflow" in needs
    assert "pytest" not in needs, "what only developers need is not asked of students"


def test_wrong_settings_are_found(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_EPOCHS", "ten")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    errors = list(machine._settings_errors())
    assert len(errors) == 2
    assert "COURSE_EPOCHS" in errors[0]
    assert "COURSE_DATA" in errors[1]


def test_a_work_folder_that_cannot_be_made_is_noticed(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("COURSE_WORK", str(blocked / "work"))
    work, free, writable = machine._work_folder()
    assert not writable
    assert free > 0
