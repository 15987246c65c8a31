"""Who is who in a run of several processes, and which of them it was about. Nothing runs here."""

import pytest
from summary_fake import FakeTrace, call

from alloctrace.model import Border
from alloctrace.summary import asked_for, chosen, lives
from alloctrace.summary.summary import summarise
from reports import endings

FIRST = 100


class Run:
    """Makes the run of a trace: who was forked, exec'd and ended, in that order."""

    def __init__(self, *command, path=None):
        self.run = {"pid": FIRST, "images": [], "children": [], "exits": [], "ends": []}
        self.run["exit"] = {"kind": "exited", "status": 0}
        self.events, self._now, self._images = [], 0, 0
        self._image_of = {}
        self.exec(FIRST, *command, path=path)

    def _tick(self):
        self._now += 1000
        return self._now

    def exec(self, pid, *command, path=None):
        self._image_of[pid] = self._images
        row = {"index": self._images, "pid": pid, "path": path or "/bin/" + command[0]}
        self.run["images"].append(dict(row, command=list(command), t_ns=self._tick()))
        self._images += 1
        return self

    def fork(self, parent, pid, **more):
        self._image_of[pid] = self._image_of[parent]
        row = {"pid": pid, "parent": parent, "image": self._image_of[parent], "t_ns": self._tick()}
        self.run["children"].append(dict(row, **more))
        return self

    def spawn(self, parent, pid, *command, path=None):
        return self.fork(parent, pid).exec(pid, *command, path=path)

    def calls(self, pid, number, size=8):
        for _ in range(number):
            event = call(len(self.events), size=size, image=self._image_of[pid], tid=pid)
            event.pid = pid
            self.events.append(event)
        return self

    def end(self, pid, kind="exited", status=0, title=None):
        row = {"pid": pid, "image": self._image_of[pid], "t_ns": self._tick()}
        self.run["exits"].append(dict(row, command=title or []))
        self.run["ends"].append(dict(row, kind=kind, status=status))
        return self

    def trace(self, borders=()):
        return FakeTrace(self.events, borders=list(borders), **self.run)

    def asked(self):
        groups = self.trace().sums().groups
        return asked_for.find(lives.of_run(self.run, groups))


def names(found):
    return [step[1].name for step in found.steps]


def test_one_program_is_the_one():
    found = Run("ls", "-l").calls(FIRST, 3).asked()
    assert (found.program.name, found.steps) == ("ls", [])


def test_a_script_that_execs_and_its_helpers():
    run = Run("bash", "/shims/python3", "-c", "1").calls(FIRST, 900)
    run.fork(FIRST, 101).calls(101, 400).end(101)
    run.exec(FIRST, "bash", "/libexec/pyenv").calls(FIRST, 900).spawn(FIRST, 102, "sort")
    run.calls(102, 300).end(102).exec(FIRST, "/opt/bin/python3", path="/opt/bin/python3.11")
    found = run.calls(FIRST, 50).asked()
    assert (found.program.name, found.program.file) == ("python3", "python3.11")
    assert [step[0] for step in found.steps] == ["exec", "exec"]
    assert found.steps[0][1].script == "python3"


@pytest.mark.parametrize("starter", ["sh", "timeout", "xargs"])
def test_the_only_program_of_a_starter(starter):
    run = Run(starter, "-c", "prog").calls(FIRST, 500).spawn(FIRST, 101, "prog").calls(101, 20)
    found = run.end(101).asked()
    assert (found.program.name, names(found)) == ("prog", [starter])
    assert found.steps[0][2] == {"only": True}
    much = Run(starter, "-c", "prog").calls(FIRST, asked_for.MUCH).spawn(FIRST, 101, "prog")
    assert much.calls(101, 20).end(101).asked().program.name == starter


def test_a_program_of_its_own_that_starts_one_is_no_starter():
    run = Run("editor").calls(FIRST, 500).spawn(FIRST, 101, "ls").calls(101, 20)
    assert run.asked().program.name == "editor"


def test_a_shell_that_starts_two():
    run = Run("sh", "x.sh").calls(FIRST, 50)
    for pid in (101, 102):
        run.spawn(FIRST, pid, "prog").calls(pid, 60)
    assert run.asked().program.name == "sh"


def test_who_made_nearly_all_calls():
    run = Run("make").calls(FIRST, 5).spawn(FIRST, 101, "cc1").calls(101, 95)
    found = run.spawn(FIRST, 102, "as").calls(102, 5).asked()
    assert (found.program.name, found.steps[0][2]) == ("cc1", {"share": round(95 / 105, 4)})
    run.calls(102, 10)
    assert run.asked().program.name == "make"


def _restarted(ends, status=0):
    run = Run("splash").calls(FIRST, 5)
    for pid, end in enumerate(ends, 101):
        run.spawn(FIRST, pid, "office").calls(pid, 100).end(pid, status=end)
    run.run["exit"] = {"kind": "exited", "status": status}
    return run.asked()


def test_one_that_is_started_again_after_it_failed():
    found = _restarted([81, 81, 0])
    assert (found.program.pid, names(found)) == (103, ["splash"])
    assert found.steps[0][2] == {"share": round(300 / 305, 4), "tries": 3}


@pytest.mark.parametrize("ends, status", [([0, 0], 0), ([81, 0], 1), ([1, 1], 0)])
def test_twins_of_one_that_is_started_again(ends, status):
    """A loop over inputs; a starter that ended otherwise than the last."""
    assert _restarted(ends, status).program.name == "splash"


def test_one_that_ran_a_program_before_it_was_there():
    """Times of children and of programs come from two clocks."""
    run = Run("make").calls(FIRST, 5).spawn(FIRST, 101, "cc1").calls(101, 95).end(101)
    child, image = run.run["children"][0], run.run["images"][1]
    child["t_ns"], image["t_ns"] = image["t_ns"], child["t_ns"]
    processes = lives.of_run(run.run, run.trace().sums().groups)
    assert [process.last.name for process in processes] == ["make", "cc1"]
    assert [process.pid for process in processes] == [FIRST, 101]


def test_a_daemon_and_a_pool_of_workers():
    run = Run("serverd").calls(FIRST, 5).fork(FIRST, 101).fork(101, 102).calls(102, 200)
    found = run.asked()
    assert (found.program.pid, names(found)) == (102, ["serverd", "serverd"])
    run = Run("pool").calls(FIRST, 5)
    for pid in (101, 102, 103):
        run.fork(FIRST, pid).calls(pid, 100)
    assert run.asked().program.pid == FIRST


def test_children_of_an_earlier_program_are_not_followed():
    run = Run("sh", "x").spawn(FIRST, 101, "helper").calls(101, 900).end(101)
    assert run.exec(FIRST, "prog").calls(FIRST, 3).asked().program.name == "prog"


def test_names_titles_and_scripts():
    program = lives.Program(1, 0, "/usr/bin/dash", ["-sh", "/x/build.sh"])
    assert (program.name, program.file, program.script) == ("sh", "dash", "build.sh")
    assert lives.Program(1, 0, "/usr/bin/ls", ["ls", "file"]).script == ""
    assert lives.Program(1, 0, "/usr/bin/python3.11", ["python3.11", "-c"]).script == ""
    assert lives.Program(1, 0, "/usr/bin/ls", []).name == "ls"
    assert lives.Program(1, 0).name == ""


def test_a_number_that_is_used_again_is_another_process():
    run = Run("sh").spawn(FIRST, 101, "one").calls(101, 3).end(101, status=1)
    run.spawn(FIRST, 101, "two").calls(101, 5).end(101, status=2)
    rows = summarise(run.trace())["processes"][1:]
    assert [(row["programs"][-1]["name"], row["calls"]) for row in rows] == [("one", 3), ("two", 5)]
    assert [row["exit"]["status"] for row in rows] == [1, 2]


def border(phase, t_ns, image, mapped):
    return Border(phase, t_ns, phase, image, 0, 0, 0, mapped)


def test_phases_are_of_one_program_of_one_process():
    run = Run("sh").calls(FIRST, 1)  # at 1000
    run.spawn(FIRST, 101, "ls").calls(101, 4)  # forked at 2000, exec at 3000
    run.end(101)  # 4000
    run.exec(FIRST, "cat").calls(FIRST, 2)  # 5000
    borders = [border("load", 1000, 0, 100), border("main", 1500, 0, 150)]
    borders += [border("load", 3100, 1, 7000), border("main", 3500, 1, 7500)]
    borders += [border("load", 5100, 2, 90), border("main", 5500, 2, 95)]
    run.run["process_at_end"] = {"t_ns": 9000, "mapped_bytes": 99}
    record = summarise(run.trace(borders))
    first, ls = record["processes"]
    rows = {(row["image"], row["phase"]): row for row in record["phases"]}
    assert rows[0, "main"]["end_ns"] == 5000 and rows[0, "main"]["replaced"]
    assert rows[0, "main"]["mapped_bytes_grown"] is None
    assert (rows[1, "load"]["start_ns"], rows[1, "main"]["end_ns"]) == (3100, 4000)
    assert rows[1, "main"]["mapped_bytes_grown"] is None  # it did not say
    assert (rows[2, "main"]["end_ns"], rows[2, "main"]["mapped_bytes_grown"]) == (9000, 4)
    assert [program["began"] for program in ls["programs"]] == ["fork", "exec"]
    assert [program["began_ns"] for program in first["programs"]] == [1000, 5000]


def test_what_older_traces_say_of_phases_is_not_believed():
    """There every image's first phase began with the run, and no image had a number."""
    run = Run("sh").calls(FIRST, 1).exec(FIRST, "cat").calls(FIRST, 2)
    for image in run.run["images"]:
        del image["pid"], image["command"]
    rows = summarise(run.trace([border("load", 0, 0, 1), border("load", 0, 1, 1)]))["phases"]
    shown = [(row["start_ns"], row["end_ns"]) for row in rows if row["reached"]]
    assert shown == [(1000, 2000), (2000, None)]


def family():
    run = (
        Run("perl", "x.sh").calls(FIRST, 2, size=10).spawn(FIRST, 101, "ls").calls(101, 3, size=100)
    )
    run.end(101, status=1).fork(FIRST, 102, copied_blocks=2, copied_bytes=20)
    run.calls(102, 4, size=7).end(102, "signalled", 9, ["worker: idle"])
    run.run["peaks"] = [
        {"pid": FIRST, "image": 0, "bytes": 20, "by_origin": {"user": 20}},
        {"pid": 101, "image": 1, "bytes": 300, "by_origin": {"user": 300}},
    ]
    return run


def calls(record):
    return sum(row["count"] for row in record["totals"])


def test_sums_are_over_what_was_chosen():
    shown = {
        wanted: summarise(Wanting(family()), process=wanted)
        for wanted in ("all", "asked", "101", "ls", "/bin/ls", "x.sh")
    }
    assert [calls(shown[wanted]) for wanted in shown] == [9, 2, 3, 3, 3, 6]
    peaks = [shown[wanted]["peak_bytes"] for wanted in ("all", "asked", "101")]
    assert peaks == [348, 20, 300]  # all: at one time
    assert shown["all"]["sums_over"]["what"] == "all"
    assert shown["101"]["sums_over"]["name"] == "ls"
    assert shown["asked"]["sums_over"]["others"] == 3
    assert shown["x.sh"]["sums_over"]["what"] == "several"


class Wanting(FakeTrace):
    """A FakeTrace that gives the events that are wanted."""

    def __init__(self, run):
        super().__init__(run.events, borders=[], **run.run)

    def events(self, wanted=None):
        return (event for event in self._events if wanted is None or wanted(event))


def test_nobody_bears_that_name():
    for wanted in ("nobody", "999", ""):
        with pytest.raises(chosen.NoSuchProcess, match="there are perl, ls"):
            summarise(family().trace(), process=wanted)


def test_the_events_of_a_choice():
    trace, record = Wanting(family()), None
    record = summarise(trace, process="ls")
    assert {event.pid for event in trace.events(chosen.of_summary(record))} == {101}
    assert chosen.of_summary(summarise(trace)) is None


def test_copies_and_ends_are_told():
    rows = {row["pid"]: row for row in summarise(family().trace())["processes"]}
    assert rows[102]["copied"] == {"blocks": 2, "bytes": 20}
    assert rows[102]["exit"] == {"kind": "signalled", "status": 9}
    assert rows[102]["title"] == ["worker: idle"]
    assert rows[101]["exit"] == {"kind": "exited", "status": 1}
    assert rows[FIRST]["exit"] == {"kind": "exited", "status": 0}


def test_a_stranger_s_lists_do_no_harm():
    odd = [
        7,
        "x",
        {},
        {"pid": -1},
        {"pid": 5, "parent": 5},
        {"index": 2**70},
        {"pid": [], "t_ns": 1},
    ]
    for name in ("images", "children", "exits", "ends", "peaks"):
        run = Run("ls").calls(FIRST, 1)
        run.run[name] = odd
        assert calls(summarise(run.trace())) == 1


@pytest.mark.parametrize(
    "shell, child, is_followed",
    [
        (("exited", 0), ("exited", 0), True),
        (("exited", 5), ("exited", 0), False),
        (("exited", 139), ("signalled", 11), True),
        (("exited", 5), ("running", None), True),
    ],
)
def test_a_shell_that_ends_otherwise_than_its_child_is_no_wrapper(shell, child, is_followed):
    run = Run("sh", "-c", "ls; exit 5").calls(FIRST, 10).spawn(FIRST, 101, "ls").calls(101, 10)
    run.run["exit"] = dict(zip(("kind", "status"), shell))
    run.end(101, *child)
    assert (run.asked().program.name == "ls") == is_followed


class Unread:
    """A trace of which only the run may be read."""

    def __init__(self, run):
        self.run = run

    def sums(self):
        raise AssertionError("its events are read")


@pytest.mark.parametrize("wanted", ["nonsense", "999", "make "])
def test_a_process_that_is_not_there_is_told_before_events_are_read(wanted):
    run = Run("make").spawn(FIRST, 101, "sh").calls(101, 3).run
    with pytest.raises(chosen.NoSuchProcess, match="there are make, sh"):
        summarise(Unread(run), process=wanted)


@pytest.mark.parametrize("wanted", ["sh", "101", "all", "asked"])
def test_twin_one_that_is_there_is_looked_at(wanted):
    run = Run("make").spawn(FIRST, 101, "sh").calls(101, 3).run
    with pytest.raises(AssertionError, match="events are read"):
        summarise(Unread(run), process=wanted)


def test_of_an_older_trace_only_its_events_know_the_numbers():
    made = Run("make").spawn(FIRST, 101, "sh").calls(101, 3)
    for image in made.run["images"]:
        del image["pid"]
    chosen.check(made.run, "999")
    with pytest.raises(chosen.NoSuchProcess):
        summarise(made.trace(), process="999")


def test_what_was_live_is_told_of_the_end_of_the_program_that_it_is_about():
    run = Run("sh", "-c", "prog").calls(FIRST, 1).spawn(FIRST, 101, "prog").calls(101, 20)
    told = {"signalled": "when it was killed", "running": "when the recording ended"}
    for kind in ("signalled", "running", "exited"):
        run.run["ends"].clear()
        found = summarise(run.end(101, kind, 9).trace(), process="asked")
        assert (found["sums_over"]["name"], found["exit"]["kind"]) == ("prog", "exited")
        assert endings.has_end(found) == (kind not in told)
        assert kind not in told or endings.when(found) == told[kind]
    assert endings.has_end(summarise(run.end(101, "signalled", 9).trace(), process="sh"))
