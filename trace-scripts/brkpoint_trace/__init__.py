"""What trace-scripts/ share: readers of strace's and ltrace's text, comparisons."""
