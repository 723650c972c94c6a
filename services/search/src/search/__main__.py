"""`python -m search`."""

from search.main import main

main()
