"""The report of `brkpoint eras` in its forms: text, Markdown, a page."""
