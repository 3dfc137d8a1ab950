"""A worker of several processes: one reads the topic, each lane decodes and writes its share."""
