"""The bench: each row in a process of its own, and none that fails spoils the others."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import psutil
import pytest
from rich.console import Console

from course_staff import benchmarks
from course_staff.benchmarks import Row, measured
from course_utils.exceptions import InvalidInput


def shown(results) -> str:
    console = Console(width=220, record=True, file=io.StringIO())
    console.print(benchmarks.table_of(results))
    return console.export_text()


def test_rows_have_names_of_their_own_and_say_what_they_do():
    rows = benchmarks.all_rows()
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.about for row in rows)
    assert {"import course_utils", "convolution against the loop"} <= {row.name for row in rows}


def test_rows_are_found_by_a_part_of_their_name():
    assert [row.name for row in benchmarks.find(["AGAINST THE LOOP"])] == [
        "convolution against the loop"
    ]
    assert benchmarks.find([]) == benchmarks.all_rows()
    with pytest.raises(InvalidInput, match="There is no row 'nothing' to measure; there are"):
        benchmarks.find(["nothing"])


def test_a_ratio_is_ours_over_theirs():
    assert measured(1.0, 4.0)["ratio"] == 0.25
    assert measured(1.0)["ratio"] is None


def test_a_real_row_is_measured_apart_and_written(tmp_path):
    rows = benchmarks.find(["convolution against the loop"])
    said: list[str] = []
    (result,) = benchmarks.run_rows(
        rows, quick=True, output=tmp_path / "bench.json", say=said.append
    )
    assert said == ["convolution against the loop ..."]
    assert 0 < result["ours"] < result["theirs"]
    assert result["ratio"] == pytest.approx(result["ours"] / result["theirs"])
    assert result["peak_megabytes"] > 10
    stored = json.loads((tmp_path / "bench.json").read_text())
    assert stored["rows"] == [result]
    assert stored["quick"] is True
    assert stored["machine"]["cores"] >= 1
    assert "times as fast" in shown([result])


def test_rows_that_lack_something_fail_or_hang_say_so(tmp_path):
    rows = [
        Row("no such row", "is unknown to the process that should measure it", measured),
        Row("needs data", "", measured, needs=lambda: "tf_flowers is not here"),
        Row("import course_utils", "is given up at once", measured, limit=0),
    ]
    results = benchmarks.run_rows(rows, output=tmp_path / "bench.json", say=lambda line: None)
    assert "ValueError" in results[0]["error"]
    assert results[1]["missing"] == "tf_flowers is not here"
    assert results[2]["error"] == "given up after 0 s"
    text = shown(results)
    assert "tf_flowers is not here" in text
    assert "given up after 0 s" in text


def test_a_row_for_which_no_time_is_left_says_so_or_gives_what_was_measured_before(tmp_path):
    (real,) = benchmarks.find(["convolution against the loop"])
    late = replace(real, expected=(61, 61))
    file, silent = tmp_path / "bench.json", lambda line: None
    (left_out,) = benchmarks.run_rows([late], True, file, silent, minutes=1)
    assert left_out["missing"].startswith("no time was left of the 1 minutes")
    assert not file.exists()
    (measured_now,) = benchmarks.run_rows([real], True, file, silent, minutes=1)
    (earlier,) = benchmarks.run_rows([late], True, file, silent, minutes=1)
    assert earlier["ours"] == measured_now["ours"]
    assert f"measured on {measured_now['date']}, not again" in shown([earlier])
    (other,) = benchmarks.run_rows([late], False, file, silent, minutes=1)
    assert "missing" in other, "a quick measurement does not stand for a whole one"


@pytest.mark.slow
def test_rows_that_are_not_measured_stay_in_the_file(tmp_path):
    loop, start = benchmarks.find(["convolution against the loop", "import course_utils"])
    for row in (loop, start, loop):
        benchmarks.run_rows([row], True, tmp_path / "bench.json", lambda line: None)
    rows = json.loads((tmp_path / "bench.json").read_text())["rows"]
    assert sorted(row["name"] for row in rows) == sorted([loop.name, start.name])
    benchmarks.run_rows([loop], False, tmp_path / "bench.json", lambda line: None)
    rows = json.loads((tmp_path / "bench.json").read_text())["rows"]
    assert [row["quick"] for row in rows] == [True, True, False], "one kind keeps the other"


def test_what_is_stopped_keeps_what_it_measured(tmp_path):
    def stop():
        raise KeyboardInterrupt

    (real,) = benchmarks.find(["convolution against the loop"])
    rows = [real, Row("import course_utils", "", measured, needs=stop), real]
    said: list[str] = []
    results = benchmarks.run_rows(rows, quick=True, output=tmp_path / "bench.json", say=said.append)
    assert [one["name"] for one in results] == [real.name]
    assert said[-1] == "Stopped."
    assert json.loads((tmp_path / "bench.json").read_text())["rows"] == results


def test_what_is_given_up_names_the_seeds_that_were_measured(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho noise\necho 'seed 0: frozen 0.892'\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    row = Row("import course_utils", "", measured, limit=3)
    (result,) = benchmarks.run_rows([row], output=tmp_path / "b.json", say=lambda line: None)
    assert result["error"] == "given up after 3 s; seed 0: frozen 0.892"


@pytest.mark.slow
def test_what_is_given_up_leaves_no_process_behind(tmp_path):
    lesson = benchmarks.find(["lesson 00"])[0]
    row = replace(lesson, limit=5)  # its kernel has begun by then, and is not done
    # Tests before this one leave a resource tracker, say: only what the row begins counts.
    before = {one.pid for one in psutil.process_iter()}
    (result,) = benchmarks.run_rows(
        [row], quick=True, output=tmp_path / "b.json", say=lambda line: None
    )
    assert result["error"] == "given up after 5 s"

    children = {child.pid for child in psutil.Process().children(recursive=True)}
    left = [
        one.info
        for one in psutil.process_iter(["pid", "ppid", "cmdline", "status"])
        if one.pid not in before
        and one.info["status"] != psutil.STATUS_ZOMBIE
        and (one.pid in children or _orphaned_kernel(one.info))
    ]
    assert not left


def _orphaned_kernel(info):
    return info["ppid"] == 1 and "ipykernel_launcher" in (info["cmdline"] or [])


def test_the_row_of_the_graphics_card_says_in_one_line_that_there_is_none():
    import tensorflow as tf

    (row,) = benchmarks.find(["GPU"])
    said = row.needs()
    if tf.config.list_physical_devices("GPU"):
        assert said is None
    else:
        assert said == "TensorFlow finds no graphics card on this machine"


@pytest.mark.slow
def test_epochs_are_timed_on_a_device_and_leave_the_number_format_alone():
    import keras

    from course_staff.benchmarks import training

    assert training._epoch("small_cnn", 256, "float32", "/CPU:0", times=1) > 0
    with pytest.raises(AttributeError):
        training._epoch("no_such_network", 256, "mixed_float16", "/CPU:0", times=1)
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.slow
def test_heads_of_the_bench_learn_what_their_vectors_hold():
    from course_staff.benchmarks import transfer

    quick = transfer._head(quick=True)
    assert quick["ours"] < quick["theirs"]
    assert min(*quick["accuracies"]["ours"], *quick["accuracies"]["theirs"]) > 0.8
