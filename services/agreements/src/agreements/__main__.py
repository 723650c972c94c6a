"""`python -m agreements`. Ctrl-C while it is being loaded ends it without a trace."""

try:
    from agreements.main import main

    main()
except KeyboardInterrupt:
    raise SystemExit(130) from None
