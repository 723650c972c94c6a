"""How fast search answers and follows at national size. `python -m bench.search`."""
