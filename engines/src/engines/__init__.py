"""Local Kafka, OpenSearch, PostgreSQL and OpenID provider behind one interface, for demo, tests and benchmarks."""

from engines.errors import EngineError
from engines.running import NAMES, Addresses, Engines, Row, attach, start
from engines.tokens import token
from engines.waiting import eventually

__all__ = ["NAMES", "Addresses", "EngineError", "Engines", "Row", "attach", "eventually", "start", "token"]
