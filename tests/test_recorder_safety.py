"""The recorder leaves programs as they are: each probe prints facts about itself, which must be the
same with and without it; and what it records of them is right, prime sizes counted."""

import glob
import os
import re
import resource
import shutil
import signal
import subprocess

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, alone, both, counted, probe, recorded
from target_programs import brkpoint

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
MARKS = (1009, 1013, 1019, 1021)


def check(folder, words, counts, **how):
    assert counted(both(folder, words, **how).history, MARKS) == counts


# (source, arguments, {(name, size): calls})
PROBES = [
    ("registers.c", [], {("malloc", 1009): 2, ("realloc", 1013): 2, ("calloc", 1019): 2,
                         ("posix_memalign", 1021): 2}),
    ("red_zone.c", [], {}),
    ("surroundings.c", [], {("malloc", 1009): 1, ("malloc", 1019): 1}),
    ("strict.c", [], {("malloc", 1009): 101, ("calloc", 1013): 101, ("realloc", 1019): 101}),
    ("strict.c", ["filter"], {("malloc", 1009): 101, ("calloc", 1013): 101,
                              ("realloc", 1019): 101}),
    ("tsc.c", [], {("malloc", 1009): 101}),
    ("cannot_clone.c", [], {}),
    ("filter_thread.c", ["thread"], {("malloc", 1009): 106}),
    ("coroutines.c", [], {("malloc", 1009): 77, ("malloc", 1013): 77}),
    ("crowd.c", ["1000", "200"], {("malloc", 1009): 3000, ("malloc", 1013): 200,
                                  ("malloc", 1019): 1400}),
    ("unwound.cc", [], {("malloc", 1013): 118}),
    ("panics.rs", [], {("calloc", 1009): 118}),
    ("children.c", ["fork"], {("malloc", 1009): 2, ("malloc", 1019): 1}),
    ("children.c", ["many"], {("malloc", 1009): 2}),
    ("children.c", ["vfork"], {("malloc", 1009): 2}),
    ("children.c", ["spawn"], {("malloc", 1009): 2}),
    ("children.c", ["system"], {("malloc", 1009): 2}),
    ("children.c", ["failing"], {("malloc", 1009): 2}),
    ("children.c", ["thread"], {("malloc", 1009): 1, ("malloc", 1013): 1}),
    ("dying.c", ["abort"], {("malloc", 1009): 1}),
    ("dying.c", ["segv"], {("malloc", 1009): 1}),
    ("dying.c", ["segv-caught"], {("malloc", 1009): 1, ("malloc", 1013): 1}),
    ("dying.c", ["free"], {("malloc", 1009): 1}),
    ("dying.c", ["free-segv"], {("malloc", 1009): 1}),
    ("dying.c", ["_exit"], {("malloc", 1009): 1}),
    ("dying.c", ["kill"], {("malloc", 1009): 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    "source, words, counts", PROBES, ids=["-".join([s, *w]) for s, w, _ in PROBES]
)
def test_a_probe(tmp_path, source, words, counts):
    if source.endswith(".rs") and not shutil.which("rustc"):
        pytest.skip("no rustc")
    check(tmp_path, [probe(source), *words], counts)


def test_twin_a_program_that_changes_is_found_out(tmp_path):
    """What it prints is different under any observer: its parent."""
    with pytest.raises(AssertionError):
        both(tmp_path, ["/bin/sh", "-c", "echo $PPID"])
    with pytest.raises(AssertionError):
        check(tmp_path, [probe("tsc.c")], {("malloc", 1009): 100})


CHILDREN = [
    ("fork", {("malloc", 1013): 101}),
    ("many", {("malloc", 1013): 23}),
    ("vfork", {}),
    ("spawn", {}),
    ("system", {}),
]


@pytest.mark.parametrize("way, counts", CHILDREN)
def test_what_children_ask_for(tmp_path, way, counts):
    done = recorded(tmp_path, [probe("children.c"), way])
    children = {event.pid for event in done.history.events} - {done.history.run["pid"]}
    assert counted(done.history, MARKS, children=True) == counts
    assert len(children) == (23 if way == "many" else 1)


def test_twin_a_daemon_is_not_waited_for(tmp_path):
    """As long as it lives nothing ends that waits for it."""
    done = recorded(tmp_path, ["/bin/sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo $!"])
    os.kill(int(done.out), signal.SIGKILL)
    assert "1 process that the program had started still ran" in " ".join(done.history.notes)


def test_a_child_that_may_not_ask_for_its_number(tmp_path):
    both(tmp_path, [probe("filter_thread.c"), "fork"])


@pytest.mark.parametrize("fixed", [True, False])
def test_addresses_random_or_not(tmp_path, fixed):
    """Where the program lies is the system's affair, or the option's."""
    words = ["/bin/sh", "-c", "grep -m1 libc.so.6 /proc/self/maps"]
    options = ["--fixed-addresses"] if fixed else []
    places = set()
    for _ in range(3):
        trace = ["--force", "-o", str(tmp_path / "t.brkpoint")]
        done = brkpoint("run", "--engine", "recorder", "--quiet", *options, *trace, *words)
        places.add(done.stdout.split("-")[0])
        assert done.returncode == 0 and launching.report(tmp_path)["complete"]
    assert (len(places) == 1) == fixed


def _an_unlimited_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.parametrize("layout", [[], ["-R"], ["-L"], ["-R", "-L"]], ids="".join)
def test_an_unlimited_stack(tmp_path, layout):
    """The libraries are far below the program then, and libc far below the loader: its calls are
    seen, the phases begin where they do, and the program's break grows as alone."""
    if resource.getrlimit(resource.RLIMIT_STACK)[1] != resource.RLIM_INFINITY:
        pytest.skip("the stack may not be unlimited here")
    library = probe("unlimited.c", "-shared", "-fPIC", "-DLIBRARY", name="libunlimited.so")
    program = probe("unlimited.c", library, name="unlimited")
    words = ["setarch", *layout, program] if layout else [program]
    done = both(tmp_path, words, prepare=_an_unlimited_stack)
    made = [event for event in done.history.events if event.size == 100003]
    assert (len(made), {event.phase for event in made}) == (211, {"main"})
    assert done.out == b"20 MiB\n" and not done.history.notes


@pytest.mark.parametrize("mib", ["150", "600", "5000"])
@pytest.mark.parametrize("how", ["libc", "setrlimit", "prlimit", "child", "waits"])
def test_a_program_that_limits_itself(tmp_path, how, mib):
    """What is mapped for the recorder, and not needed, goes first: else it would get nothing."""
    done = both(tmp_path, [probe("limits_itself.c"), how, mib])
    assert set(done.out.splitlines()) == {b"it gets most of it"}
    assert all("address space is limited" in note for note in done.history.notes)
    assert len(done.history.notes) == {"child": 2, "waits": 30}.get(how, 1)


@pytest.mark.parametrize("who", ["self", "child"])
@pytest.mark.parametrize(
    "threads, ways, mib", [(0, 20000, "150"), (0, 20000, "600"), (3, 5000, "600")]
)
def test_one_with_many_stacks_limits_itself(tmp_path, monkeypatch, threads, ways, mib, who):
    """What it remembers of them may lie in what goes; other threads go on meanwhile."""
    monkeypatch.setenv("COUNTED", str(tmp_path / "counted"))
    words = [probe("limits_with_stacks.c"), str(threads), str(ways), mib, who]
    done = both(tmp_path, words)
    told = int((tmp_path / "counted").read_text())
    assert counted(done.history, [24])["malloc", 24] == told >= 4 * ways
    if who == "child":
        assert counted(done.history, [24], children=True)["malloc", 24] == 3 * ways


def test_a_child_that_lives_on_without_its_first_thread(tmp_path):
    """What it remembers of stacks stays where it is, whatever its parent gives back."""
    done = both(tmp_path, [probe("limits_beside.c")])
    assert counted(done.history, [1009], children=True)["malloc", 1009] == 5003 + 13 + 2 + 13


@pytest.mark.parametrize("when", ["within", "behind"])
def test_a_handler_that_allocates_while_stacks_are_forgotten(tmp_path, when):
    """Nothing that it remembers may lie in what goes then."""
    done = recorded(tmp_path, [probe("limits_stepped.c"), when])
    assert done.status == 0 and done.complete
    assert counted(done.history, [1009], children=True)["malloc", 1009] == 4 * 2003


# ---- stacks ------------------------------------------------------------------------------------


def used(text):
    return int(re.search(rb"used (\d+) of", text).group(1))


def unused(text):
    used, size = map(int, re.search(rb"used (\d+) of (\d+)", text).groups())
    return size - used


NEEDED = 640  # bytes of a signal stack, beyond what the program itself needs


@pytest.mark.parametrize("size", [["600"], ["2048"], ["all", "2048"]], ids=" ".join)
def test_a_small_alternate_stack(tmp_path, size):
    """All of 2048 bytes, or so many beyond the kernel's own frame: the recorder needs few of them,
    also where the signal came inside of it."""
    words = [probe("altstack.c"), *size]
    before, after = alone(words), recorded(tmp_path, words)
    if before.status in (77, -11) or unused(before.err) < NEEDED:
        pytest.skip("the kernel's own frame leaves no room here: the processor's state is large")
    assert (after.status, after.out) == (before.status, before.out) == (7, b"it was enough\n")
    assert counted(after.history, MARKS)["malloc", 1013] >= 599
    assert 0 < used(after.err) - used(before.err) <= NEEDED


def test_signals_anywhere(tmp_path):
    done = recorded(tmp_path, [probe("storm.c")])
    main, handler, _ = map(int, re.findall(rb"\d+", done.out))
    assert done.status == 0 and done.complete and done.history.lost == 0
    assert counted(done.history, MARKS) == {("malloc", 1009): main, ("malloc", 1013): handler}


def test_jumps_out_of_handlers_that_landed_anywhere(tmp_path):
    """A call that a jump left, made again at once, may count once (docs/engine.md). Where the jump
    left the agent at the one instruction that matters, at most a chunk is lost, and it is said."""
    done = recorded(tmp_path, [probe("storm.c"), "jump"])
    main, handler, jumps = map(int, re.findall(rb"\d+", done.out))
    counts, lost = counted(done.history, MARKS), done.history.lost * 512
    assert done.status == 0 and done.complete and done.history.lost < 7
    assert jumps > 100
    assert handler - lost <= counts["malloc", 1013] <= handler
    assert main - 2 * jumps - lost <= counts["malloc", 1009] <= main


def test_system_calls_inside_system_calls(tmp_path):
    """A handler's, between a system call of main and what the recorder does behind it."""
    after = recorded(tmp_path, [probe("interrupted.c"), "stay"])
    main, handler = map(int, re.findall(rb"\d+", after.out))
    pages = {n << 12: n for n in MARKS}
    sizes = counted(after.history, pages, kind="syscall")
    assert after.history.lost == 0 and after.complete
    for name in ("mmap", "munmap"):
        assert sizes[name, 1009 << 12] == main - 1
        assert sizes[name, 1013 << 12] == handler
        assert sizes[name, 1019 << 12] == 1


def test_jumps_out_of_questions(tmp_path):
    """The host is asked again after a question that nobody waits for any more: the file's name is
    known, and the next program is planted."""
    after = recorded(tmp_path, [probe("interrupted.c"), "jump"])
    last = [e for e in after.history.events if e.kind == "syscall" and e.size == 1019 << 12]
    assert b"of the next" in after.out and after.complete
    assert last[0].args["path"] == "/etc/passwd"
    assert [image["path"] for image in after.history.images][-1].endswith("/echo")


# ---- libraries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("plain, apart", [(41, 0), (0, 11)])
def test_libraries_that_come_and_go(tmp_path, plain, apart):
    plugin = probe("plugin.c", "-shared", "-fPIC", name="plugin.so")
    words = [probe("reloading.c"), plugin, str(plain), str(apart)]
    times = plain + apart
    check(tmp_path, words, {("malloc", 1009): times, ("calloc", 1013): times})


ALLOCATORS = ("libjemalloc.so.2", "libmimalloc.so.", "libtcmalloc_minimal.so.4")


def allocator(name):
    """The library, of whichever version the system has: mimalloc is .2.0 or .3.0."""
    found = sorted(glob.glob(os.path.join("/usr/lib/x86_64-linux-gnu", name + "*")))
    return found[0] if found else pytest.skip("no " + name)


@pytest.mark.parametrize("name", ALLOCATORS)
def test_a_preloaded_allocator(tmp_path, name):
    words = [probe("crowd.c"), "53", "17"]
    counts = {("malloc", 1009): 159, ("malloc", 1013): 17, ("malloc", 1019): 119}
    check(tmp_path, words, counts, environment={"LD_PRELOAD": allocator(name)})


@pytest.mark.parametrize("name", ALLOCATORS)
def test_a_linked_allocator(tmp_path, name):
    flags = ["-Wl,--no-as-needed", allocator(name)]
    words = [probe("crowd.c", *flags, name="crowd-" + name), "53", "17"]
    counts = {("malloc", 1009): 159, ("malloc", 1013): 17, ("malloc", 1019): 119}
    check(tmp_path, words, counts)


# ---- limits ------------------------------------------------------------------------------------


def limited(what, value):
    return lambda: resource.setrlimit(what, (value, value))


def test_little_address_space(tmp_path):
    """brkpoint shares the limit: it takes less, and says so; or none, before the program runs."""
    trace = str(tmp_path / "t.brkpoint")
    words = ["run", "--engine", "recorder", "-o", trace, probe("hungry.c"), "20"]
    done = brkpoint(*words, preexec_fn=limited(resource.RLIMIT_AS, 600 << 20))
    assert (done.returncode, done.stdout) == (0, "got 20 of 20\n"), done.stderr
    assert "address space is limited" in done.stderr and launching.report(tmp_path)["complete"]
    done = brkpoint(
        words[0], "--force", *words[1:], preexec_fn=limited(resource.RLIMIT_AS, 90 << 20)
    )
    assert done.returncode == 125 and not done.stdout
    assert "memory" in done.stderr and len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize("kib, most", [(1200000, 287), (200000, 31)])
def test_a_program_that_limits_its_own_address_space(tmp_path, kib, most):
    """The recorder takes a part of what its next program may have, and tells how much."""
    limit = 'ulimit -v %d; exec "$@"' % kib
    words = ["/bin/sh", "-c", limit, "sh", probe("hungry.c"), "3000"]
    before, after = alone(words), recorded(tmp_path, words)
    alone_got, got = (int(done.out.split()[1]) for done in (before, after))
    assert 0 < alone_got - got <= most
    (note,) = {note for note in after.history.notes if "address space" in note}
    assert alone_got - got <= int(re.search(r"(\d+) MiB", note).group(1)) + 2
    assert counted(after.history, [1048583]) == {("malloc", 1048583): got + 1}
    assert after.complete and after.history.lost == 0


def test_a_program_with_no_room_at_all(tmp_path):
    """It runs as ever, and the trace says that it was not recorded."""
    words = ["/bin/sh", "-c", 'ulimit -v 60000; exec "$@"', "sh", probe("hungry.c"), "3000"]
    before, after = alone(words), recorded(tmp_path, words)
    assert (after.status, after.out) == (before.status, before.out)
    assert b"got 3000" not in before.out and after.history.lost == 0
    (unseen,) = after.history.unfollowed
    assert unseen["program"] == probe("hungry.c") and "ulimit" in unseen["reason"]


def test_files_may_not_grow(tmp_path):
    """The limit is the program's, not of what watches it."""
    both(tmp_path, ["/bin/sh", "-c", "ulimit -f 0; exec /bin/echo word"])


def test_closed_standard_streams(tmp_path):
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        shell = '"$@" %s; echo status $?' % closed
        words = [os.fsencode(probe("dying.c")), b"_exit"]
        path = tmp_path / "t.brkpoint"
        options = (b"--engine", b"recorder", b"--force")
        watched = launching.watched(*words, options=options, trace=path)
        done = subprocess.run(["/bin/sh", "-c", shell, "sh", *watched], stdout=subprocess.PIPE)
        assert done.stdout == b"status 3\n"
        assert launching.report(tmp_path)["complete"]
