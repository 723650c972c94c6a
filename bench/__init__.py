"""Measurements on the running demo: each prints one JSON object, ours beside the bare engine's in the same run."""
