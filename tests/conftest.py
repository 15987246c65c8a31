"""Lets the tests import the rooms of the checkout they lie in."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

os.environ["BRKPOINT_CACHE"] = ""  # no run of a test is to know what another one found out
