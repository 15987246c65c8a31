"""`brkpoint step`: walking, the card in words, and the keys in a terminal."""

import signal
import subprocess

import pytest

import made_pages
import summary_fake
from alloctrace.event_cursor import Cursor
from alloctrace.model import Verdict
from alloctrace.trace import trace
from command.step import Walk
from made_pages import hostile_trace, small_trace
from reports import card_words, key_pieces, step_card, step_screen
from start.errors import UserError
from summary_fake import call, syscall
from terminals import COMMAND, Terminal


class FakeTrace(summary_fake.FakeTrace):
    """One whose events are asked for by their numbers."""

    def __init__(self, events=(), **more):
        super().__init__(events, **more)
        self.run["events"] = len(self._events)

    def events_within(self, ranges):
        return [e for e in self._events if any(a <= e.seq <= b for a, b in ranges)]

    def group_columns(self, seq=0, step=1):
        ids = [self._group_of(event) for event in self._events]
        parts = [(first, ids[first : first + 3]) for first in range(0, len(ids), 3)]
        if step > 0:
            return [part for part in parts if part[0] + 3 > seq]
        return [part for part in parts if part[0] <= seq][::-1]

    def _group_of(self, event):
        """Of the first group that is alike."""
        alike = event.kind, event.name, event.stack, event.verdict, event.pid
        return next(
            group.id
            for group in self.sums().groups
            if alike == (group.kind, group.name, group.stack, group.verdict, group.pid)
        )


@pytest.fixture(scope="module")
def long():
    """24,013 events: 12 calls that reached the kernel, in chunks that are not read all."""
    return made_pages.long()


def walk_of(recorded, **more):
    return Walk(Cursor(recorded), None, **more)


def test_forward_and_back_end_where_the_run_does(long):
    with trace.open(long) as recorded:
        walk = walk_of(recorded)
        count = recorded.run["events"]
        for key, seq in (("RIGHT", 1), ("RIGHT", 2), ("LEFT", 1), ("HOME", 0), ("LEFT", 0)):
            assert walk.press(key)
            assert walk.seq == seq
        assert walk.said == card_words.WORDS["behind"]
        walk.press("END")
        assert walk.seq == count - 1
        walk.press("RIGHT")
        assert (walk.seq, walk.said) == (count - 1, card_words.WORDS["behind"])
        assert not walk.press("q")


def test_the_next_that_reached_the_kernel_is_that_of_all_events(long):
    with trace.open(long) as recorded:
        wanted = [event.cause for event in recorded.events() if event.kind == "syscall"]
        walk, found = walk_of(recorded), []
        while not walk.said:
            walk.press("n")
            found.append(walk.seq)
        assert found[:-1] == wanted and len(wanted) == 12
        mine = [e.seq for e in recorded.events() if e.verdict and e.verdict.origin == "user"]
        walk = walk_of(recorded, seq=mine[3])
        walk.press("m")
        assert walk.seq == mine[4]


def test_memory_at_a_step_is_one_key_away(long):
    with trace.open(long) as recorded:
        walk = walk_of(recorded, seq=recorded.run["peak"]["seq"])

        def told():
            return "\n".join(text for text, _ in walk.screen(100, 60, True))

        assert "Memory then" not in told() and not walk.must_count
        walk.press("b")
        assert walk.must_count and walk.screen(100, 60, True, False)[-3][0].startswith("counting")
        live = recorded.run["peak"]["bytes"]
        assert "Live after this event: 2 blocks of %d bytes." % live in told()
        assert "← this event's" in told() or "<- this event's" in told()
        walk.press("LEFT")
        assert "Live after this event: 1 block of 47 bytes." in told()
        walk.press("b")
        assert "Memory then" not in told()


def test_a_number_is_typed(long):
    with trace.open(long) as recorded:
        walk = walk_of(recorded)
        for key in ("g", "1", "x", "7", "9", "BACKSPACE", "ENTER"):
            assert walk.press(key)
        assert walk.seq == 17 and walk.number is None
        for key in ("g", *"99999999999999999999", "ENTER"):
            walk.press(key)
        assert walk.seq == recorded.run["events"] - 1
        assert "this is the nearest" in walk.said
        walk.press("g")
        assert walk.press("q") and walk.press("ESC")  # in a number they end nothing
        assert walk.number is None and walk.press("ESC") and not walk.press("q")


def test_only_the_events_of_one_process_are_walked_through():
    events = [call(seq, size=17 + seq) for seq in range(8)]
    for event in events[2:6]:
        event.pid = event.tid = 8
    cursor = Cursor(FakeTrace(events), lambda group: group.pid == 7)
    assert [cursor.after(seq) for seq in (0, 1, 5, 7)] == [1, 6, 6, None]
    assert [cursor.before(seq) for seq in (7, 6, 2, 0)] == [6, 1, 1, None]
    assert [cursor.near(seq) for seq in (3, -5, 99)] == [6, 0, 7]


def test_a_process_without_events_is_one_line():
    """As of one that was forked and did nothing: there is no first event."""
    events = [call(seq, size=17) for seq in range(3)]
    with pytest.raises(UserError, match="no events of that program"):
        Walk(Cursor(FakeTrace(events), lambda group: group.pid == 8), None)
    assert Walk(Cursor(FakeTrace(events), lambda group: group.pid == 7), None).seq == 0


def test_a_call_ends_where_its_thread_goes_on():
    """Threads overlap: each call has its own syscalls."""
    events = [
        call(0, size=11, tid=1, phase="main"),
        call(1, size=13, tid=2),
        syscall(2, "brk", 4096, cause=1, tid=2, phase="main"),
        call(3, size=17, tid=2),
        syscall(4, "mmap", 8192, cause=0, tid=1, phase="main"),
        call(5, size=19, tid=1),
    ]
    cursor = Cursor(FakeTrace(events))
    made = [[e.seq for e in cursor.syscalls_of(events[at])] for at in (0, 1, 3, 5)]
    assert made == [[4], [2], [], []]
    assert [cursor.next_that_reached(seq) for seq in (-1, 0, 1)] == [0, 1, None]


def test_the_card_says_what_the_page_says():
    made = small_trace()
    recorded = FakeTrace(made._events, stacks=made._stacks)
    cards = [step_card.of(Cursor(recorded), seq) for seq in range(5)]
    who, code = "The loader asked for 1.4 KiB (1,481 bytes) (block #0)", "In the code: dl_main."
    assert cards[0].sentence == "%s, for: link_map. %s" % (who, code)
    assert cards[0].effect == "It reached the kernel: mmap(4096) (event 1)."
    assert cards[1].effect == "Made during malloc(1481) (event 0)."
    assert cards[2].effect == card_words.WORDS["effects"]["never"]
    assert cards[3].sentence.startswith("Your code freed a block (block #2), for an unknown")
    assert dict(cards[2].reasons)["who"].startswith("user, by the rule “user function”")
    assert [text for text, decides in cards[2].stack if decides] == ["  0  main  a.c:11 ← decides"]
    assert cards[2].live == ""


def test_live_bytes_are_told_where_they_are_known():
    timeline = {"seq": [0, 4], "live_bytes": {"user": [0, 47], "loader": [5, 6]}}
    cursor = Cursor(FakeTrace([call(seq, size=1) for seq in range(6)]), None, timeline)
    assert step_card.of(cursor, 2, "b counts").live.endswith("; between them b counts.")
    said = [step_card.of(cursor, seq).live for seq in (0, 2, 5)]
    assert said == [
        "Live: 5 bytes before it.",
        "Live: 5 bytes before event 0, 53 bytes before event 4; between them it is not known.",
        "Live: 53 bytes before event 4; here it is not known.",
    ]


@pytest.mark.parametrize(
    "name, ptr, block, told",
    [
        ("free", 0x5000, 7, "freed a block (block #7)"),
        ("free", 0x5000, None, "freed something other than a live block that was seen"),
        ("free", 0, None, "called free with a null pointer"),
        ("realloc", 0x5000, 7, "asked for 24 bytes to replace an older block (block #7)"),
        ("realloc", 0, 7, "asked for 24 bytes (block #7)"),
    ],
)
def test_what_a_pointer_makes_of_a_deed(name, ptr, block, told):
    event = call(0, size=24, name=name, ptr=ptr, block=block)
    assert card_words.deed(event, "24 bytes", " (block #%s)" % block).startswith(told)


def test_hostile_names_are_visible_and_short():
    made = hostile_trace()
    recorded = FakeTrace(made._events, stacks=made._stacks)
    for seq in range(len(made._events)):
        lines = step_screen.lines(step_card.of(Cursor(recorded), seq), 60)
        text = "\n".join(line for line, _ in lines)
        assert not set("\u202e\u200b\x1b\udcff") & set(text)
        assert len(text) < 9000 and max(len(line) for line, _ in lines) <= 60


def test_braces_of_a_name_stay():
    event = call(
        0, size=3, verdict=Verdict("user", None, ("{place}{x}",), False, 0, "{y}", "frame")
    )
    card = step_card.of(Cursor(FakeTrace([event])), 0)
    assert "through {place}{x}," in card.sentence


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_the_keys_have_room(width):
    lines = step_screen.keys(width)
    assert len(lines) <= 2 and all(len(line) <= width for line in lines)
    assert "q quit" in lines[-1]
    assert step_screen.keys(200, unicode=False)[0].startswith("right forward")


@pytest.mark.parametrize("height", [1, 2, 3, 10, 60])
def test_a_screen_is_never_higher_than_the_terminal(long, height):
    with trace.open(long) as recorded:
        walk = walk_of(recorded)
        assert len(walk.screen(30, height, True)) <= height
        for _ in range(100):
            walk.press("DOWN")
            walk.screen(30, height, True)
        assert walk.top < 100  # it ends with the card


def test_in_a_terminal(long):
    pytest.importorskip("pyte")
    terminal = Terminal(["step", long])
    shown = terminal.wait("q quit")
    assert "Event 0 of 24,013" in shown and "How do you know?" in shown
    terminal.type("n")
    assert "It reached the kernel: brk(" in terminal.wait("It reached")
    terminal.type("\x1b[C")
    terminal.wait("Made during malloc(")
    terminal.type("g12345\r")
    terminal.wait("Event 12,345 of 24,013")
    terminal.resize(50, 12)
    shown = terminal.wait("more lines below")
    assert len(shown.split("\n")) == 12 and "Event 12,345" in shown
    terminal.type("q")
    assert terminal.end() == 0


def test_a_key_that_comes_in_pieces_is_the_key(long):
    """However late they come: over a slow line an arrow's ESC comes alone."""
    pytest.importorskip("pyte")
    terminal = Terminal(["step", long])
    terminal.wait("Event 0 of 24,013")
    for pieces, shown in (("\x1b", "[", "C"), 1), (("\x1b[", "C"), 2), (("\x1bO", "D"), 1):
        for piece in pieces:
            terminal.type(piece)
            terminal.read(0.2)
        terminal.wait("Event %d of" % shown)
    terminal.type("\x1b")
    terminal.read(0.2)
    terminal.type("q")
    assert terminal.end() == 0


@pytest.mark.parametrize(
    "typed, keys",
    [
        ("\x1b[C", ["\x1b", "RIGHT"]),
        ("\x1bOA\x1b[6~q", ["\x1b", "UP", "\x1b", "PAGE DOWN", "q"]),
        ("\x1b[1;5D\x1b[H", ["\x1b", "LEFT", "\x1b", "HOME"]),
        ("\x1b\x1b[Bb", ["\x1b", "\x1b", "DOWN", "b"]),
        ("\x1b[[Ab\x1b[11~b", ["\x1b", "b", "\x1b", "b"]),  # F1, as terminals say it
        ("\x1bq[C", ["\x1b", "q", "[", "C"]),
        ("\x1b[" + "1" * 99, ["\x1b", *"1" * 84]),
    ],
)
def test_pieces_of_keys(typed, keys):
    pieces = key_pieces.Pieces()
    assert [key for key in map(pieces.whole, typed) if key] == keys


def test_ctrl_c_ends_it_and_the_peak_is_one_key_away(long):
    pytest.importorskip("pyte")
    terminal = Terminal(["step", long, "--seq", "24012"], NO_COLOR="1")
    terminal.wait("Event 24,012 of 24,013")
    terminal.type("p")
    with trace.open(long) as recorded:
        peak = recorded.run["peak"]["seq"]
    terminal.wait("Event {:,} of".format(peak))
    terminal.type("\x03")
    assert terminal.end() == 0


def test_a_terminal_that_is_gone_ends_it(long):
    """Where nothing else does: a service that ignores the signal of it."""
    pytest.importorskip("pyte")
    terminal = Terminal(["step", long], ignores=[signal.SIGHUP])
    terminal.wait("q quit")
    assert terminal.hang_up() in (0, 125)


def test_without_a_terminal_it_is_one_line(long):
    done = subprocess.run(
        [*COMMAND, "step", long], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "needs a terminal" in done.stderr


@pytest.mark.parametrize("term, status", [("dumb", 2), ("no-such-terminal", 125)])
def test_a_terminal_that_cannot_is_one_line(long, term, status):
    pytest.importorskip("pyte")
    terminal = Terminal(["step", long], TERM=term)
    terminal.wait("terminal")
    assert "Traceback" not in terminal.text()
    assert terminal.end() == status


@pytest.mark.parametrize("took, told", [(None, "never seen"), (0, "not measured"), (251, "251 ns")])
def test_a_time_that_was_not_taken_is_no_duration(took, told):
    event = call(0, size=24)
    event.dur_ns = took
    assert told in dict(step_card.of(Cursor(FakeTrace([event])), 0).reasons)["duration"]
