"""The alloc commands in a real gdb: help, what they record, what they answer."""

import json
import os
import re
import subprocess

import pytest
from engine_runs import compile_c
from gdb_sessions import SOURCE, TOP, between, gdb, plain
from target_programs import brkpoint

DOCUMENTED = (
    "alloc trace",
    "alloc where",
    "alloc why",
    "alloc report",
    "alloc phase",
    "alloc diff",
)
_ALL_OPTIONS = """python
from brkpoint_gdb import commands
import sys
for command in commands.COMMANDS[1:]:
    parser = sys.modules[command.__module__]
    names = [n for a in parser.parser()._actions for n in a.option_strings]
    print("OPTIONS", command.NAME, *names)
    print("HELP-BEGINS"); gdb.execute("help " + command.NAME); print("HELP-ENDS")
end"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("program"), SOURCE)


# ---- help ----------------------------------------------------------------------------------------


def undocumented(text):
    """{command: options that its help does not name} of what _ALL_OPTIONS printed."""
    found = {}
    for part in text.split("OPTIONS ")[1:]:
        head, page = part.split("\n", 1)
        words = head.split(" --")
        page = between(page, "HELP-BEGINS", "HELP-ENDS")
        found[words[0]] = [name for name in words[1:] if "--" + name not in page]
    return found


def test_help_shows_every_option(tmp_path):
    text = gdb(tmp_path, [_ALL_OPTIONS], "true")
    assert undocumented(text) == dict.fromkeys(DOCUMENTED, [])
    assert sum(line.count(" --") for line in text.split("\n") if line.startswith("OPTIONS")) >= 7


def test_an_option_without_help_is_seen():
    text = "OPTIONS alloc x --seen --unseen\nHELP-BEGINS\n--seen\nHELP-ENDS\n"
    assert undocumented(text) == {"alloc x": ["unseen"]}


def test_settings_and_functions_have_help(tmp_path):
    text = gdb(tmp_path, ["help set alloc", "help function"], "true")
    for name in ("set alloc follow", "set alloc frames", "set alloc syscalls"):
        assert name + " -- " in text
    for name in ("origin", "size", "purpose", "phase"):
        assert "_alloc_%s" % name in text


def test_words_are_completed(tmp_path):
    lines = ["complete alloc trace st", "complete alloc report --j", "complete alloc w"]
    text = gdb(tmp_path, lines, "true")
    for line in ("alloc trace start", "alloc trace status", "alloc trace stop"):
        assert line + "\n" in text
    assert "alloc report --json\n" in text and "----" not in text
    assert "alloc where\n" in text and "alloc why\n" in text


def test_importing_has_no_effects():
    code = "import sys; sys.path[:0] = [%r, %r]; import brkpoint_gdb.commands"
    folders = (os.path.join(TOP, "gdb-scripts"), TOP)
    text = plain("-batch", "-ex", "python " + code % folders, "-ex", "alloc phase")
    assert 'Undefined command: "alloc"' in text


# ---- what is recorded ----------------------------------------------------------------------------


def test_threads_are_kept_apart(tmp_path):
    source = """
    #include <pthread.h>
    #include <stdlib.h>
    static void *work(void *size)
    {
        for (int i = 0; i < 23; i++)
            free(malloc((size_t)size));
        return 0;
    }
    int main(void)
    {
        pthread_t threads[3];
        for (size_t i = 0; i < 3; i++)
            if (pthread_create(&threads[i], 0, work, (void *)(1009 + i)))
                return 1;
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], 0);
        return 0;
    }
    """
    trace = str(tmp_path / "t.brkpoint")
    lines = ["starti", "alloc trace start", "continue", "alloc trace save " + trace]
    text = gdb(tmp_path, lines, compile_c(tmp_path, source, "-pthread"))
    assert "exited normally" in text and "lost" not in text
    query = "select size, count(*), count(distinct tid) from events where name = 'malloc'"
    done = brkpoint("sql", trace, query + " and size between 1009 and 1011 group by size")
    assert done.stdout.split("\n")[1:4] == ["%d\t23\t1" % (1009 + i) for i in range(3)]


def test_a_running_program_can_be_attached_to(tmp_path):
    source = '#include <stdlib.h>\n#include <unistd.h>\nint main(void) { (void)!write(1, "x", 1);'
    source += " for (;;) { free(malloc(1013)); usleep(50000); } }"
    program = compile_c(tmp_path, source)
    running = subprocess.Popen([program], stdout=subprocess.PIPE)
    try:
        assert running.stdout.read(1) == b"x"
        lines = ["attach %d" % running.pid, "alloc trace start", "tbreak free", "continue"]
        text = gdb(tmp_path, lines + ["alloc trace status", "detach"], program)
    finally:
        running.kill()
        running.communicate()
    if "Could not attach" in text or "ptrace: Operation not permitted" in text:
        pytest.skip("the kernel forbids gdb to attach to a running program here")
    assert "from phase main on" in text and re.search(
        r"process \d+: [12] events?, phase main", text
    )


# ---- the answers ---------------------------------------------------------------------------------


def test_where_a_pointer_comes_from(tmp_path, program):
    lines = ["break work", "starti", "alloc trace start", "continue", "up"]
    lines += ["alloc where first", "alloc where second + 5", "alloc where --frames 1 first"]
    text = gdb(tmp_path, lines, program)
    assert re.search(r"is the beginning of block \d+: 17 bytes, live", text)
    assert re.search(r"lies 5 bytes inside block \d+: 57 bytes, live", text)
    assert "allocated by event" in text and "malloc(17)" in text and "calloc(3, 19)" in text
    assert "origin   user, directly" in text and "#1  main" in text
    assert "more frames" not in text.split("#1  main")[0] and "(1 more frames" in text


def test_where_of_what_was_given_back_and_of_what_never_was(tmp_path, program):
    lines = ["break work", "starti", "alloc trace start", "continue", "up", "set $p = first"]
    lines += ["delete 1", "advance 17", "alloc where $p", "alloc where &first", "!alloc where nope"]
    text = gdb(tmp_path, lines, program)
    assert re.search(r"17 bytes, given back by event \d+: free\(0x", text)
    assert "no recorded call handed it out; it lies in [stack]" in text
    assert 'ERROR alloc where: No symbol "nope"' in text or "ERROR alloc where: No symbol" in text


def test_why_at_a_stop_inside_an_allocator_call(tmp_path, program):
    lines = ["start", "alloc trace start", "break *malloc if $_alloc_size() == 13", "continue"]
    lines += ["alloc why", "print $_alloc_origin()", "print $_alloc_phase()"]
    text = gdb(tmp_path, lines, program)
    assert re.search(r"malloc\(13\), thread \d+, going on", text)
    assert '"user"' in text and '"main"' in text and "work" in text


def test_why_at_a_caught_syscall_names_its_cause(tmp_path, program):
    lines = ["start", "alloc trace start", "catch syscall brk", "continue", "alloc why"]
    text = gdb(tmp_path, lines, program)
    assert re.search(r"event \d+: brk\(.*going on", text)
    assert re.search(r"made by +event \d+: malloc\(17\), thread", text)


def test_a_recording_that_begins_in_main_says_so(tmp_path, program):
    lines = ["break work", "run", "alloc trace start", "alloc phase", "up", "alloc where first"]
    text = gdb(tmp_path, lines, program)
    assert "from phase main on" in text and "nothing before was seen" in text
    assert "main is on the stack" in text and "no recorded call handed it out" in text


def test_follow_shows_what_each_line_did(tmp_path, program):
    lines = ["start", "alloc trace start", "set alloc follow on", "echo A\\n", "next", "echo B\\n"]
    lines += ["set alloc follow off", "next", "echo C\\n"]
    text = gdb(tmp_path, lines, program)
    assert "malloc(17)" in between(text, "A\n", "B\n")
    assert "calloc(3, 19)" not in between(text, "B\n", "C\n").replace("second = calloc(3, 19)", "")


def test_a_second_run_is_recorded_anew(tmp_path, program):
    lines = []
    for _ in range(2):
        lines += ["starti", "alloc trace start", "continue", "alloc trace status"]
    text = gdb(tmp_path, lines, program)
    counts = re.findall(r"has ended \(the program has ended\): (\d+) events, phase exit", text)
    assert len(counts) == 2 and counts[0] == counts[1]
    assert "exited with code 03" in text


def test_reports_come_in_every_form(tmp_path, program):
    lines = ["starti", "alloc trace start", "continue"]
    lines += ["alloc report", "alloc report --json", "alloc report --markdown"]
    text = gdb(tmp_path, lines, program)
    assert "exited with status 3" in text and '"totals"' in text and "| " in text


LIVE = """
#include <stdlib.h>
void *volatile block;
void half_way(void) {}
int main(void)
{
    block = malloc(1009);
    half_way();
    return 0;
}
"""


def test_what_is_live_in_a_session_that_goes_on_is_no_leak(tmp_path):
    program, trace = compile_c(tmp_path, LIVE), str(tmp_path / "t.brkpoint")
    lines = ["break half_way", "starti", "alloc trace start", "continue"]
    lines += ["alloc report --summary", "alloc trace save " + trace, "alloc trace stop"]
    lines += ["alloc report --summary"]
    text = gdb(tmp_path, lines, program)
    now, _, left = text.partition("Saved: ")
    assert "still runs" in now and "; live: now" in now and "left:" not in now
    assert "still ran when the recording ended" in left and "; live: when it was left" in left
    saved = brkpoint("report", trace, "--summary").stdout
    assert "it was saved before the program ended" in saved and "goes on" not in saved
    assert "; live: when it was left" in saved and "left:" not in saved
    assert json.loads(brkpoint("report", trace, "--json").stdout)["until"] == "left"


def test_twin_at_the_programs_end_it_is(tmp_path):
    program, trace = compile_c(tmp_path, LIVE), str(tmp_path / "t.brkpoint")
    lines = ["starti", "alloc trace start", "continue", "alloc report --summary"]
    text = gdb(tmp_path, [*lines, "alloc trace save " + trace], program)
    assert "; left: live at the end" in text and "exited with status 0" in text
    assert json.loads(brkpoint("report", trace, "--json").stdout)["until"] == "end"


# ---- what cannot be done -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, said",
    [
        ("alloc trace start", "there is no process"),
        ("alloc why", "nothing is recorded"),
        ("alloc report --nonsense", "unrecognized arguments: --nonsense"),
        ("alloc where", "which pointer?"),
        ("alloc nonsense", "there is no alloc nonsense"),
        ("alloc trace save", "into which file?"),
    ],
)
def test_errors_are_one_line(tmp_path, line, said):
    text = gdb(tmp_path, ["!" + line], "true")
    assert said in text and "Traceback" not in text and "Python Exception" not in text


def test_code_that_comes_and_goes(tmp_path):
    source = """
    #include <dlfcn.h>
    #include <stdlib.h>
    int main(int argc, char **argv)
    {
        for (int i = 0; i < 3; i++) {
            void *handle = dlopen(argv[1], RTLD_NOW);
            void *(*work)(void) = handle ? (void *(*)(void))dlsym(handle, "work") : 0;
            if (!work)
                return 1;
            free(work());
            dlclose(handle);
        }
        return !malloc(1009);
    }
    """
    library = "#include <stdlib.h>\nvoid *work(void) { return calloc(7, 11); }"
    plugin = compile_c(tmp_path, library, "-shared", "-fPIC", name="plugin.so")
    program = compile_c(tmp_path, source, name="opener")
    trace = str(tmp_path / "t.brkpoint")
    lines = ["starti", "alloc trace start", "continue", "alloc trace save " + trace]
    text = gdb(tmp_path, lines, program, plugin)
    assert "exited normally" in text and "lost" not in text
    query = "select name, size, nmemb from events where origin = 'user' and name != 'free'"
    done = brkpoint("sql", trace, query)
    assert done.stdout.count("calloc") == 3 and done.stdout.count("1009") == 1


def test_an_exec_ends_what_is_seen_and_the_program_goes_on(tmp_path):
    source = """
    #include <stdlib.h>
    #include <unistd.h>
    int main(void)
    {
        void *volatile block = malloc(1009);
        return block ? execl("/bin/true", "true", (char *)0) : 2;
    }
    """
    lines = ["starti", "alloc trace start", "continue", "alloc trace status", "alloc report"]
    text = gdb(tmp_path, lines, compile_c(tmp_path, source))
    assert "exited normally" in text and "Cannot insert" not in text and "lost" not in text
    assert "exec replaced the program: what the new one does is not recorded" in text
