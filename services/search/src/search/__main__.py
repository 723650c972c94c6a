"""`python -m search`. Ctrl-C while it is being loaded ends it without a trace."""

try:
    from search.main import main

    main()
except KeyboardInterrupt:
    raise SystemExit(130) from None
