"""The recorder's benchmark with tiny counts: it prints every figure; no time is asserted."""

import os
import re
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(TOP, "bench")
sys.path.insert(0, BENCH)

import recorder_cost  # noqa: E402
import cost_programs  # noqa: E402
import cost_runs  # noqa: E402
import start_cost  # noqa: E402

needs_recorder = pytest.mark.skipif(
    cost_runs.recorder_missing() is not None, reason="the recorder is not built"
)
PAIRS = 1009


@pytest.fixture
def no_heaptrack(monkeypatch):
    monkeypatch.setattr(recorder_cost, "heaptrack_missing", lambda: "heaptrack is not installed")


def options(*words):
    return recorder_cost.parse(["--pairs", str(PAIRS), "--scale", "0.001", "--repeat", "1", *words])


def test_the_micro_program_has_the_frames_that_were_asked_for(tmp_path):
    program = cost_runs.compile_micro(str(tmp_path))
    gdb = ["gdb", "-nx", "-batch", "-ex", "break malloc if $rdi == 29", "-ex", "run", "-ex", "bt"]
    for frames in (7, 31):
        argv = gdb + ["--args", program, "2", str(frames), "1"]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        shown = len(re.findall(r"^#\d+ .* in loop ", done.stdout, re.M))
        assert shown == frames - 4, done.stdout + done.stderr  # main and three below it


@needs_recorder
def test_every_event_of_every_thread_is_counted(tmp_path):
    program = cost_runs.compile_micro(str(tmp_path))
    for threads in (1, 3):
        run = cost_runs.recorded([program, str(PAIRS), "7", str(threads)], str(tmp_path))
        assert 2 * PAIRS * threads <= run.events < 2 * PAIRS * threads + 200
        assert {"target", "recorder", "python"} <= set(run.processes)
        assert run.size > 0


@needs_recorder
def test_prints_each_figure_beside_the_wanted_one(tmp_path, capsys, no_heaptrack):
    recorder_cost.micro(str(tmp_path), options())
    recorder_cost.setup(str(tmp_path), options())
    shown = capsys.readouterr().out
    for part in (r" 7 frames: .* \(30\)", r"31 frames: .* \(45\)", r"report: .* \(3\.0\)"):
        assert re.search(part, shown), shown
    assert re.search(r"setup: .* \(0\.12\)!? s wall, .* \(0\.12\)!? s CPU", shown), shown


@needs_recorder
def test_a_program_that_is_not_there_is_said(tmp_path, capsys, no_heaptrack, monkeypatch):
    chosen = [("true", ["/bin/true"]), ("nonsense", None)]
    monkeypatch.setattr(recorder_cost, "commands", lambda folder, scale: chosen)
    recorder_cost.programs(str(tmp_path), options())
    shown = capsys.readouterr().out
    assert re.search(r"^true +\d+ events: target", shown, re.M), shown
    assert re.search(r"^nonsense +not installed$", shown, re.M), shown


@needs_recorder
def test_a_first_run_is_told_with_gdb_or_without(tmp_path, capsys, no_heaptrack, monkeypatch):
    chosen = [("nonsense", None)]
    monkeypatch.setattr(recorder_cost, "commands", lambda folder, scale: chosen)
    monkeypatch.setenv("BRKPOINT_CACHE", "kept")
    recorder_cost.first(str(tmp_path), options())
    shown = capsys.readouterr().out
    assert re.search(r"^true +with(out)? gdb; everything \d", shown, re.M), shown
    assert "nonsense not installed\n" in shown and os.environ["BRKPOINT_CACHE"] == "kept"


def test_the_inputs_of_the_programs_work(tmp_path):
    made = cost_programs.commands(str(tmp_path), 0.001)
    assert [name for name, _ in made] == "sqlite git python jq perl xmllint cc1".split()
    for _, argv in made:
        if argv is not None:
            subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)


def test_the_inputs_of_the_large_ones_work(tmp_path):
    made = dict(cost_programs.large(str(tmp_path), 0.001))
    assert list(made) == ["modules", "cc1plus", "node"]
    for argv in filter(None, made.values()):
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    cost_programs.large(str(tmp_path), 1)
    assert 20000 <= (tmp_path / "made.cc").read_text().count("\n") < 20020


@needs_recorder
def test_threads_are_counted_and_none_of_their_events_lost(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(recorder_cost, "THREADS", (1, 3))
    recorder_cost.threads(str(tmp_path), options())
    shown = capsys.readouterr().out
    assert re.findall(r"^(\d+) threads: \d+ ns, .* \(1\.30\)!?; 0 lost$", shown, re.M) == ["1", "3"]


def test_the_median_of_each_figure_and_the_most_memory():
    def run(wall, cpu, mib, **roles):
        roles = {name: {"cpu": value, "mib": mib} for name, value in roles.items()}
        return cost_runs.Run(wall, cpu, mib, roles, 7, 70)

    runs = [run(9, 1, 5, target=4, lines=8), run(2, 7, 3, target=2), run(3, 2, 4, target=9)]
    found = cost_runs.middle(runs)
    assert found == run(3, 2, 5, target=4)
    assert runs[0].wall == 9


def test_without_the_recorder_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(recorder_cost, "recorder_missing", lambda: "the recorder is not built")
    recorder_cost.main([])
    assert capsys.readouterr().out == "the recorder is not built\n"


def test_a_figure_that_misses_is_marked():
    assert recorder_cost.figure(29, 30, "%d") == "29 (30)"
    assert recorder_cost.figure(31, 30, "%d") == "31 (30)!"
    with pytest.raises(SystemExit):
        recorder_cost.parse(["nonsense"])


@needs_recorder
def test_a_start_is_measured_cold_and_warm(capsys, monkeypatch):
    monkeypatch.setenv("BRKPOINT_CACHE", "")  # is set, and put back
    start_cost.main(["--repeat", "1"])
    shown = capsys.readouterr().out.splitlines()
    assert [line[:14].strip() for line in shown] == [
        "alone", "watched first", "watched again", "--no-cache", "report"
    ]  # fmt: skip
    assert "(120)" in shown[2] and "(80)" in shown[4]
