"""What can go wrong with an engine, in words for the person who started it."""


class EngineError(Exception):
    """An engine cannot be found, started, reached or stopped. The message is complete: no stack trace is needed."""


class NotReadyError(Exception):
    """An engine does not answer yet; the message says what was missing in the latest attempt."""
