"""The verbs of the command `brkpoint`."""
