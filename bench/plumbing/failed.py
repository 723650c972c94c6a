"""What a measurement tells when it cannot be made."""


class BenchError(Exception):
    """A measurement could not be made, or measured something else than it should. The message is for people."""
