"""What the agent does at the usual event, counted in instructions, which do not depend on the load
of the machine (recorder/agent/quick.S)."""

import re
import subprocess

import pytest
import recorder_runs
from recorder_programs import built
from recorder_runs import NOT_BUILT

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
ORDERED = "-2147483648"  # CLOCK_ORDER: a second thread has been made


def instructions(frames, clock):
    words = [built("agent_cost"), "3000", str(frames), clock]
    output = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    return int(re.search(r"(\d+) instructions", output).group(1))


@pytest.mark.parametrize(
    "frames, clock, most", [(7, "16", 200), (31, "16", 320), (7, ORDERED, 215)]
)
def test_usual_call_is_recorded_in_few_instructions(frames, clock, most):
    assert 100 < instructions(frames, clock) <= most


def test_each_frame_costs_five_instructions_at_most():
    assert instructions(31, "16") - instructions(7, "16") <= 24 * 5


def test_c_code_takes_what_is_out_of_the_ordinary():
    """The same function with both stamps: the way through C, which must differ to prove that the
    other one was taken above."""
    assert instructions(7, "1") > instructions(7, "16") + 100
