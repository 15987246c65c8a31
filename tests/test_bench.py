"""The runner of the benchmarks; the benchmarks themselves are for people, not for tests."""

import importlib.util
import os
import subprocess
import sys

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
