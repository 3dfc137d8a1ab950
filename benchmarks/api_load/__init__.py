"""The API under load: many clients ask what clients ask, while ingest writes."""
