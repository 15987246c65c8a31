"""The runner of the benchmarks; the benchmarks themselves are for people, not for tests."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNNER = os.path.join(TOP, "bench", "run.py")


def load(folder):
    spec = importlib.util.spec_from_file_location("bench_run", RUNNER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HERE = str(folder)
    return module


def benchmark(folder, name, status):
    text = 'import sys\n\nif __name__ == "__main__":\n    print("ratio")\n    sys.exit(%d)\n'
    (folder / name).write_text(text % status)


def test_every_benchmark_here_is_found():
    found = load(os.path.join(TOP, "bench")).names(os.path.join(TOP, "bench"))
    assert "engine_cost" in found
    assert "run" not in found and "recorder_child" not in found


def test_runs_all_and_says_which_failed(tmp_path, capfd):
    benchmark(tmp_path, "good.py", 0)
    benchmark(tmp_path, "bad.py", 3)
    (tmp_path / "no_program.py").write_text("import no_such_module\n")
    runner = load(tmp_path)
    assert runner.names() == ["bad", "good"]
    assert runner.main([]) == 1
    assert capfd.readouterr().out.splitlines() == [
        "== bad",
        "ratio",
        "== good",
        "ratio",
        "failed: bad",
    ]
    assert runner.main(["good"]) == 0


def test_a_benchmark_that_does_not_exist():
    done = subprocess.run([sys.executable, RUNNER, "nonsense"], stdout=subprocess.PIPE)
    assert done.returncode == 2
    assert b"no such benchmark: nonsense" in done.stdout


def test_each_benchmark_of_make_bench_runs_to_its_end():
    """As `make bench` starts them, without a word; each does as little as it can."""
    if not os.access(os.path.join(TOP, "build", "recorder", "brkpoint-recorder"), os.X_OK):
        pytest.skip("the recorder is not built")
    small = {**os.environ, "BRKPOINT_BENCH": "small"}
    done = subprocess.run(
        ["/usr/bin/python3", RUNNER], env=small, cwd=TOP, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = re.findall(r"^== (\w+)$", done.stdout, re.M)
    assert names == load(os.path.join(TOP, "bench")).names(os.path.join(TOP, "bench"))
