"""The target starts exactly as without brkpoint: two starts of one probe, compared line by line."""

import ctypes
import os
import resource
import signal
import subprocess

import pytest

import launching
import recorder_runs
from start import launch, watch

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    return launching.build(tmp_path_factory.mktemp("start"), "start")


@pytest.fixture
def both(probe, tmp_path):
    """A function that starts the probe twice: (lines without, lines with brkpoint)."""

    def start(*arguments, options=(), **how):
        plain = launching.run([probe, *arguments], **how)
        trace = tmp_path / "t.brkpoint"
        seen = launching.run(
            launching.watched(probe, *arguments, options=options, trace=trace), **how
        )
        assert plain.status == 23
        assert seen.status == 23, seen.err
        assert trace.exists()
        return plain.out.splitlines(), seen.out.splitlines()

    return start


def same(lines):
    plain, seen = lines
    assert seen == plain
    return b"\n".join(plain).decode()


def test_everything_is_the_same(both):
    text = same(both(b"one", b"two"))
    assert "fd 2 " in text and "SigIgn" in text and "Max open files" in text


def test_the_comparison_sees_a_difference(probe):
    plain = launching.run([probe])
    other = launching.run([probe], prepare=lambda: os.umask(0o027))
    assert plain.out != other.out


ODD = [
    b"a b", b"", b"'", b'"', b"new\nline", b"$(touch x)", b"`id`", b"\\", b"\x1b[31mred",
    b"*", b"~", b"\xff\xfe", b"-o", b"--force", b"--", b"%s", b"shell id", b"caf\xc3\xa9",
    b"\xed\xb0\x80",
]  # fmt: skip


def test_arguments_reach_it_byte_for_byte(both):
    text = same(both(*ODD))
    for word in ODD:
        assert "argument %s\n" % word.hex() in text


def test_environment_keeps_order_duplicates_and_odd_entries(both):
    entries = [
        b"Z=1",
        b"A=2",
        b"Z=3",
        b"no equals sign",
        b"=x",
        b"",
        b"B=\xff\n\x1b",
        b"LC_ALL=C",
        b"PYTHONPATH=/nonexistent",
        b"LC_CTYPE=C",
        b"LINES=7",
        b"PATH=/usr/bin:/bin",
    ]
    text = same(both(environment=entries))
    assert [line for line in text.splitlines() if line.startswith("environment")] == [
        ("environment " + entry.hex()) for entry in entries
    ]


def test_a_shell_hands_on_another_environment(tmp_path):
    """Why brkpoint's first line is none of the shell's (docs/run.md). Nor can Python be given it:
    a descriptor of /proc/self/environ ends with the program that it is of."""
    tell = "import os; print(len(os.read(9, 9)), sorted(os.environb))"
    words = ["/bin/sh", "-c", 'exec 9< /proc/$$/environ; exec /usr/bin/python3 -Ic "$0"', tell]
    given = {"a.b": "1", "IFS": ":", "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    done = subprocess.run(words, env=given, capture_output=True, check=True)
    assert done.stdout.startswith(b"0 ") and b"PWD" in done.stdout


def test_empty_environment(both):
    assert "environment" not in same(both(environment=[]))


def test_a_python_variable_does_not_reach_brkpoint(both, tmp_path):
    (tmp_path / "argparse.py").write_text("raise SystemExit('taken over')")
    here = os.fsencode(str(tmp_path))
    same(
        both(
            environment=[b"PYTHONPATH=" + here, b"PYTHONHOME=/x", b"PYTHONINSPECT=1"],
            prepare=lambda: os.chdir(tmp_path),
        )
    )


def test_limits_umask_niceness(both):
    def prepare():
        os.umask(0o027)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 150))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 22, 1 << 23))

    text = same(both(prepare=prepare))
    assert "nice %d" % min(os.nice(0) + 3, 19) in text and "0027" in text


def _set(option, value):
    assert ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0


@pytest.mark.parametrize("engine", [b"breakpoints", b"recorder"])
def test_all_else_that_is_inherited(both, engine):
    """Also what an exec keeps and a fork does not: the reaper of orphans."""
    others = {signal.SIGKILL, signal.SIGSTOP, 32, 33} | {signal.SIGPIPE, signal.SIGXFSZ}
    others |= {signal.SIGTRAP} if engine == b"breakpoints" else set()
    if engine == b"recorder" and not recorder_runs.BUILT:
        pytest.skip(recorder_runs.NOT_BUILT)

    def prepare():
        for number in signal.valid_signals() - others:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGWINCH, 50})
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 150))
        os.nice(3)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("117")
        with open("/proc/self/coredump_filter", "w") as file:
            file.write("0x3")
        _set(29, 70001)  # PR_SET_TIMERSLACK
        _set(36, 1)  # PR_SET_CHILD_SUBREAPER
        _set(38, 1)  # PR_SET_NO_NEW_PRIVS
        _set(41, 1)  # PR_SET_THP_DISABLE

    text = same(both(options=(b"--engine", engine), prepare=prepare))
    assert "subreaper 1" in text and "thp_disabled 1 no_new_privs 1" in text
    assert "scheduler 3" in text and "oom_score_adj 117" in text and "70001" in text


def test_nothing_of_that_comes_by_itself(both):
    text = same(both())
    assert "subreaper 0" in text and "no_new_privs 0" in text and "scheduler 0" in text


@pytest.mark.parametrize("trap, wanted", [("trap '' XFSZ; ", True), ("", False)])
def test_full_files_are_ignored_where_the_shell_ignores_them(probe, tmp_path, trap, wanted):
    ignored = ignored_under(probe, tmp_path, trap)
    assert [bits >> (signal.SIGXFSZ - 1) & 1 for bits in ignored] == [wanted, wanted]


def test_a_shell_that_becomes_brkpoint_is_not_known(probe, tmp_path):
    """As docs/run.md says: Python has forgotten it, and no parent knows it."""
    ignored = ignored_under(probe, tmp_path, "trap '' XFSZ; exec ")
    assert [bits >> (signal.SIGXFSZ - 1) & 1 for bits in ignored] == [True, False]


def ignored_under(probe, tmp_path, trap):
    """The ignored signals of the probe under a shell, as bits: without brkpoint, with it."""
    words = launching.watched(probe, trace=tmp_path / "t.brkpoint")
    for command in (os.fsdecode(probe), " ".join(map(os.fsdecode, words))):
        out = subprocess.run(["sh", "-c", trap + command + "; true"], capture_output=True).stdout
        ignored = next(x for x in out.splitlines() if x.startswith(b"SigIgn"))
        yield int(ignored.split()[1], 16)


def test_tight_limits_bind_the_target_only(both):
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (5, 1000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 26, resource.RLIM_INFINITY))

    text = same(both(prepare=prepare))
    assert "67108864" in text and "20000" in text


def test_ignored_and_blocked_signals(both):
    def prepare():
        for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR2, 40):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGWINCH, 50})

    ignored = next(x for x in same(both(prepare=prepare)).splitlines() if x.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & 1 << (signal.SIGINT - 1)


@pytest.mark.parametrize("trap, wanted", [("trap '' PIPE; ", True), ("", False)])
def test_broken_pipes_are_ignored_where_the_shell_ignores_them(probe, tmp_path, trap, wanted):
    ignored = ignored_under(probe, tmp_path, trap)
    assert [bits >> (signal.SIGPIPE - 1) & 1 for bits in ignored] == [wanted, wanted]


def test_streams_closed_and_further_descriptors(both, tmp_path):
    (tmp_path / "input").write_text("x")

    def prepare():
        os.close(0)
        os.dup2(os.open(tmp_path / "input", os.O_RDONLY), 9)
        os.close(0)
        os.set_inheritable(9, True)

    text = same(both(prepare=prepare))
    assert "fd 9" in text and "fd 0" not in text


def test_standard_error_closed(both):
    assert "fd 2" not in same(both(prepare=lambda: os.close(2)))


def test_no_descriptor_of_brkpoint_is_left_open(both):
    text = same(both())
    assert [x for x in text.splitlines() if x.startswith("fd ")][-1].startswith("fd 2 ")


def test_own_session_and_group(both):
    plain, seen = both(prepare=os.setsid)
    (own,) = [x for x in plain if x.startswith(b"group")]
    words = own.split()
    assert words[1] == words[3]  # the probe itself is the leader there
    (group,) = [x.split() for x in seen if x.startswith(b"group")]
    assert group[1] == group[3] != words[1]  # brkpoint is, and the target is in its group


def test_argv0_is_the_word_that_was_typed(probe, tmp_path):
    folder, name = os.path.split(probe)
    environment = [b"PATH=/nonexistent:" + folder]
    trace = tmp_path / "t.brkpoint"
    seen = launching.run(launching.watched(name, trace=trace), environment)
    assert b"argument %s\n" % name.hex().encode() in seen.out
    plain = launching.run([name], environment, path=probe)
    assert seen.out == plain.out


def test_address_randomisation_is_left_alone_unless_asked(probe, tmp_path):
    def personality(*options):
        trace = tmp_path / ("t%d.brkpoint" % len(options))
        seen = launching.run(launching.watched(probe, trace=trace, options=options))
        return int(seen.out.split(b"personality ")[1].split()[0], 16)

    assert personality() & 0x0040000 == 0
    assert personality(b"--fixed-addresses") & 0x0040000


def test_a_pending_alarm_is_not_taken_over(probe, tmp_path):
    """An alarm is not inherited by a fork: the one difference, and it is written down."""
    seen = launching.run(
        launching.watched(probe, trace=tmp_path / "t.brkpoint"), prepare=lambda: signal.alarm(100)
    )
    assert b"timer 0" in seen.out


def test_a_tracer_that_has_just_ended_is_none(monkeypatch):
    """Between the look at who traces a process and the one at what that is called."""
    reader, writer = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        traced = os.fork()
        if traced == 0:
            ctypes.CDLL(None).ptrace(0, 0, None, None)  # PTRACE_TRACEME
            os.write(writer, b"%d" % os.getpid())
        signal.pause()
    pid, field = int(os.read(reader, 20)), watch.field

    def ending(asked, name):
        if asked == tracer:
            os.kill(tracer, signal.SIGKILL)
            os.waitpid(tracer, 0)
        return field(asked, name)

    monkeypatch.setattr(watch, "field", ending)
    try:
        assert field(pid, "TracerPid") == str(tracer)
        launch._check_untraced(pid)
        with pytest.raises(OSError):
            field(tracer, "Name")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(reader)
        os.close(writer)
