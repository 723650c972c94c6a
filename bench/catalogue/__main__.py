"""`python -m bench.catalogue`: see `bench.catalogue.command`."""

import sys

from bench.catalogue.command import main

if __name__ == "__main__":
    sys.exit(main())
