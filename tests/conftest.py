"""Lets the tests import the rooms of the checkout they lie in."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
