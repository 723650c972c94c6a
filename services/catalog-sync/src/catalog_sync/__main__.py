"""`python -m catalog_sync`."""

from catalog_sync.main import main

main()
