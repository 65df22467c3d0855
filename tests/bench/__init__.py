"""What Releval costs and how it holds, measured on the real stack: `make bench`, or `python -m tests.bench --help`."""
