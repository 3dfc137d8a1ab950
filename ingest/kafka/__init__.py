"""Kafka behind a narrow interface: a topic's records in, dead letters out, offsets ours alone."""

from ingest.kafka.log import TopicLog
from ingest.kafka.publisher import Publisher
from ingest.kafka.source import FrameSource
from ingest.kafka.topics import ensure_topics

__all__ = ["FrameSource", "Publisher", "TopicLog", "ensure_topics"]
