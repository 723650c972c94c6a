"""A laboratory for faults: real engines, real processes, real kill -9, and a checker that says what was lost."""
