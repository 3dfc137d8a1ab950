"""From bytes in Kafka to rows in the database: decode, check, write, and lose nothing."""
