"""`python -m demo run|up|down|status`: the whole system on this machine, with a believable small Sweden in it."""

import sys

from demo.cli import main

sys.exit(main())
