"""Clocks of the worker: what happens by itself, one file per subject."""
