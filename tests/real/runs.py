"""One run of a program: alone, under brkpoint, or under a witness; with its server and client."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from box import SLOW
from programs import HERE, ROOT

BRKPOINT = os.path.join(ROOT, "brkpoint")
PYTHON = "/usr/bin/python3"
CLIENT = """set -u
wait_for_port() {
    for i in $(seq 600); do
        (: < /dev/tcp/127.0.0.1/$PORT) 2> /dev/null && return
        sleep 0.1
    done
    echo "nobody listens" >&2
    exit 9
}
"""


@dataclass
class Run:
    """How a run ended. `hung`: what was still running at the limit, or None."""

    status: int = -1
    cpu: float = 0.0
    wall: float = 0.0
    left: list = field(default_factory=list)
    hung: list = None
    stdout: bytes = b""
    stderr: bytes = b""
    client: bytes = b""
    files: set = field(default_factory=set)


def run(place, limit_s, before=(), **environment):
    """The program, behind the words `before`, in a fresh place."""
    place.fresh()
    words = [*before, *place.program.words(place.values)]
    with Server(place):
        started = boxed(place, words, limit_s, **environment)
        client = _use(place, SLOW * limit_s) if place.program.client else b""
        found = finish(place, started)
    found.client, found.files = client, place.files()
    return found


def report(place, trace, *form):
    """(status, text, error text) of `brkpoint report` in one form."""
    words = [BRKPOINT, "report", trace, *form]
    try:
        done = subprocess.run(words, env=place.environment(), capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return None, "", "no end after 120 s"
    return done.returncode, *(part.decode(errors="replace") for part in (done.stdout, done.stderr))


def boxed(place, words, limit_s, **environment):
    """(process, where its result will be): the words, in a box of their own."""
    result = os.path.join(place.out, "result.json")
    if os.path.exists(result):
        os.unlink(result)
    user = place.program.user if place.user else "-"
    entries = ["%s=%s" % entry for entry in environment.items()]
    box = [PYTHON, os.path.join(HERE, "box.py"), result, str(limit_s), user, *entries, "--"]
    streams = [open(os.path.join(place.out, name), "wb") for name in ("stdout", "stderr")]
    process = subprocess.Popen(
        [*box, *words],
        cwd=place.here,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=streams[0],
        stderr=streams[1],
        start_new_session=True,
    )
    for stream in streams:
        stream.close()
    return process, result


def finish(place, started):
    """The Run of what `boxed` gave."""
    process, result = started
    try:
        process.wait()
    except BaseException:
        process.terminate()  # the box ends all that it started
        process.wait()
        raise
    with open(result, encoding="utf-8") as file:
        found = Run(**json.load(file))
    for name in ("stdout", "stderr"):
        with open(os.path.join(place.out, name), "rb") as file:
            setattr(found, name, file.read())
    return found


def _use(place, limit_s):
    """What the client's commands print; ended with the limit."""
    process = subprocess.Popen(
        ["bash", "-c", CLIENT + place.program.client],
        cwd=place.here,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0] + b"\n(the client did not end)\n"


class Server:
    """What runs beside the program, where there is such a thing: from before to after."""

    def __init__(self, place, text=None):
        self.place, self.text = place, text or place.program.server
        self.process = None

    def __enter__(self):
        if self.text:
            result = os.path.join(self.place.out, "server.json")
            user = self.place.program.user if self.place.user else "-"
            box = [PYTHON, os.path.join(HERE, "box.py"), result, "600", user, "--"]
            self.process = subprocess.Popen(
                box + self.place.program.words(self.place.values, self.text),
                cwd=self.place.here,
                env=self.place.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for_port(int(self.place.values["PORT"]))
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()


def wait_for_port(port, limit_s=30):
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("nobody listens at port %d" % port)


def say(text):
    print(text)
    sys.stdout.flush()
