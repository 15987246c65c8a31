"""What changed between two runs: pure logic over the groups of their traces. docs/diff.md."""
