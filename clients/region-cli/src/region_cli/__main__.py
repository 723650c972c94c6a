"""`python -m region_cli` is `vf-region`."""

import sys

from region_cli.main import main

sys.exit(main())
