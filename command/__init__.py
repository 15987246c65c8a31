"""The verbs of the command `brkpoint`, and the start of target and gdb."""

VERSION = "0.2.0"
