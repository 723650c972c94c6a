"""`python -m catalog_sync`. Ctrl-C while it is being loaded ends it without a trace."""

try:
    from catalog_sync.main import main

    main()
except KeyboardInterrupt:
    raise SystemExit(130) from None
