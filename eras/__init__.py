"""The same programs under other releases of Debian, and under musl: docs/eras.md."""
