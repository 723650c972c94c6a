"""librdkafka's mock cluster, out of confluent-kafka's wheel: a broker that answers with the errors it is told to."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import confluent_kafka

_PRODUCER, _PRODUCE_REQUEST = 0, 0


class Code(IntEnum):
    """Kafka's error codes, as answers to a produce request."""

    NONE = 0
    NOT_LEADER = 6
    NOT_ENOUGH_REPLICAS = 19
    OUT_OF_ORDER_SEQUENCE = 45
    INVALID_PRODUCER_EPOCH = 47
    UNKNOWN_PRODUCER_ID = 59
    PRODUCER_FENCED = 90


@dataclass(frozen=True)
class MockBroker:
    """One broker that keeps records in memory. `address` is host:port."""

    address: str
    library: Any
    cluster: int

    def create(self, topic: str, partitions: int) -> None:
        """Create a topic."""
        fault = self.library.rd_kafka_mock_topic_create(self.cluster, topic.encode(), partitions, 1)
        assert fault == 0, fault

    def answer(self, codes: Sequence[Code]) -> None:
        """Answer the next produce requests with these, one each, and those after them as usual."""
        self.library.rd_kafka_mock_clear_request_errors(self.cluster, _PRODUCE_REQUEST)
        array = (ctypes.c_int * len(codes))(*codes)
        self.library.rd_kafka_mock_push_request_errors_array(self.cluster, _PRODUCE_REQUEST, len(codes), array)


@contextmanager
def mock_broker() -> Iterator[MockBroker]:
    """A running mock broker."""
    library = _library()
    handle = library.rd_kafka_new(_PRODUCER, None, None, 0)
    assert handle, "librdkafka gives no handle"
    cluster = library.rd_kafka_mock_cluster_new(handle, 1)
    try:
        yield MockBroker(library.rd_kafka_mock_cluster_bootstraps(cluster).decode(), library, cluster)
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(handle)


def _library() -> Any:
    package = Path(confluent_kafka.__file__).parent
    # Importing the package has loaded it already; macOS wheels keep it inside the package.
    found = [*package.parent.glob("confluent_kafka.libs/librdkafka*"), *package.rglob("librdkafka*.dylib")]
    library = ctypes.CDLL(str(found[0]))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    library.rd_kafka_new.restype = pointer
    library.rd_kafka_new.argtypes = [ctypes.c_int, pointer, text, ctypes.c_size_t]
    library.rd_kafka_destroy.argtypes = [pointer]
    library.rd_kafka_mock_cluster_new.restype = pointer
    library.rd_kafka_mock_cluster_new.argtypes = [pointer, ctypes.c_int]
    library.rd_kafka_mock_cluster_destroy.argtypes = [pointer]
    library.rd_kafka_mock_cluster_bootstraps.restype = text
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [pointer]
    library.rd_kafka_mock_topic_create.argtypes = [pointer, text, ctypes.c_int, ctypes.c_int]
    library.rd_kafka_mock_push_request_errors_array.argtypes = [pointer, ctypes.c_int16, ctypes.c_size_t, pointer]
    library.rd_kafka_mock_clear_request_errors.argtypes = [pointer, ctypes.c_int16]
    return library
