"""A server under load, attached to for some seconds: what its client noticed of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import checks
import runs
from programs import HERE

FOR_S = 2.0
TRIES = 3  # the machine is not ours alone: the least of so many gaps counts


def attach(place, trace, limit_s):
    """(Run of brkpoint, (largest gap alone, attached) in ms, complaints)"""
    place.fresh()
    with runs.Server(place, place.program.run) as server:
        load = _load(place)
        try:
            alone = gap(place, FOR_S)
            found, gaps = None, []
            for _ in range(TRIES):
                found, ms = _once(place, server, trace, limit_s)
                gaps.append(ms)
                if ms is not None and ms <= checks.GAP_MS:
                    break
            after = gap(place, 0.3)
        finally:
            _end(load)
    troubles = [] if after is not None else ["the server does not answer any more"]
    return found, (alone, min((ms for ms in gaps if ms is not None), default=None)), troubles


def _once(place, server, trace, limit_s):
    """(Run, ms) of one attach, with a client that asks from before to after."""
    if os.path.exists(trace):
        os.unlink(trace)
    client = _gap(place, limit_s)
    time.sleep(0.3)
    words = [runs.BRKPOINT, "--quiet", "-o", trace, "-p", _which(place, server)]
    found = runs.finish(place, runs.boxed(place, [*words, "--for", "%gs" % FOR_S], limit_s))
    time.sleep(0.3)
    client.terminate()
    return found, _said(client)


def _which(place, server):
    """The number of the process to attach to: of a busy server it may not be there at once."""
    boxed = _output(["pgrep", "-P", str(server.process.pid)], place.environment())
    for _ in range(100):
        found = _output(["sh", "-c", place.program.pid], place.environment(SERVER=boxed[0]))
        if found:
            return found[0]
        time.sleep(0.1)
    raise RuntimeError("no process to attach to: %s" % place.program.pid)


def _output(words, environment):
    return subprocess.run(words, env=environment, capture_output=True, text=True).stdout.split()


def gap(place, seconds):
    return _said(_gap(place, seconds))


def _gap(place, seconds):
    words = [runs.PYTHON, os.path.join(HERE, "gap.py"), place.program.asks, place.values["PORT"]]
    return subprocess.Popen(
        [*words, str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _said(client):
    """The largest gap in ms, None where the client failed."""
    try:
        said = client.communicate(timeout=30)[0].split()
    except subprocess.TimeoutExpired:
        client.kill()
        client.communicate()
        return None
    return float(said[0]) if said else None


def _load(place):
    script = runs.CLIENT + place.program.client
    return subprocess.Popen(
        ["bash", "-c", script], cwd=place.here, env=place.environment(), start_new_session=True
    )


def _end(load):
    if load.poll() is None:
        os.killpg(load.pid, signal.SIGKILL)
    load.wait()
