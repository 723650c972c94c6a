"""`python -m intake`: print the page that explains the columns (intake/COLUMNS.md)."""

import sys

from intake.explaining import explanation

sys.stdout.write(explanation())
