"""The plumbing beside the bare engines, on the same data in the same run: `python -m bench.plumbing --help`."""
