"""Tools that hang, die or print nonsense, put in the place of strace, ltrace and others."""

from __future__ import annotations

import os
import stat
import sys

from target_programs import ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import tool  # noqa: E402


HURRY_S = 4  # to start and say something, on a busy machine


def fake(folder, monkeypatch, name, script):
    """Puts a tool of that name first into PATH; where it is to hang, it is given HURRY_S."""
    path = folder / name
    path.write_text("#!/bin/sh\n" + script + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", "%s:%s" % (folder, os.environ["PATH"]))
    if "sleep" in script:
        _hurry(monkeypatch, name)


def _hurry(monkeypatch, name):
    run = tool.run

    def hurried(command, limit_s, **options):
        mine = os.path.basename(command[0]) == name
        return run(command, HURRY_S if mine else limit_s, **options)

    monkeypatch.setattr(tool, "run", hurried)
