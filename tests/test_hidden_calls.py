"""Programs that make calls which are not seen: what they leave to others is no share of all."""

import pytest
from test_lives import FIRST, Run


@pytest.mark.parametrize("own, is_followed", [([], True), (["/bin/gh"], False)])
def test_one_whose_own_allocator_is_not_seen_leaves_no_share_to_its_child(own, is_followed):
    run = Run("gh").calls(FIRST, 5).spawn(FIRST, 101, "git").calls(101, 95)
    run.run["unseen"] = [{"kind": "allocator", "why": "Go", "path": path} for path in own]
    assert run.asked().program.name == ("git" if is_followed else "gh")
    run = Run("php").calls(FIRST, 5).fork(FIRST, 101).calls(101, 95)
    run.run["unseen"] = [{"kind": "allocator", "why": "PHP", "path": "/bin/php"}]
    assert run.asked().program.pid == 101  # what forks runs the same program: both hide alike


@pytest.mark.parametrize("calls, is_followed", [(0, False), (1, True)])
def test_one_of_which_no_call_was_seen_leaves_no_share_to_its_child(calls, is_followed):
    run = Run("esbuild").calls(FIRST, calls).spawn(FIRST, 101, "echo").calls(101, 95)
    assert run.asked().program.name == ("echo" if is_followed else "esbuild")
    attached = Run("nginx").spawn(FIRST, 101, "worker").calls(101, 95)
    attached.run["mode"] = "attached"
    assert attached.asked().program.name == "worker"
