"""Which version of brkpoint this is."""

VERSION = "0.2.0"
