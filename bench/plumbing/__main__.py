"""`python -m bench.plumbing`: see `bench.plumbing.command`."""

import sys

from bench.plumbing.command import main

if __name__ == "__main__":
    sys.exit(main())
