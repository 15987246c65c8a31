"""Everything of brkpoint that runs inside gdb. Importing it has no effect."""
