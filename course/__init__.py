"""The course: lessons as data, measured on the reader's own machine. docs/teaching.md."""
