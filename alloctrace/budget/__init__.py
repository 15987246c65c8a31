"""Budgets: rules on what a program may allocate, and whether a run kept them. docs/ci.md."""
