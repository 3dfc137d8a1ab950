"""The one error base class: catch it, and all that the platform raises on purpose is caught.

    TelemetryError
    ├── CatalogueError      a signal catalogue that breaks its own rules       (schemas.catalogue)
    ├── VinError            text that cannot be a VIN                          (schemas.vin)
    ├── TimeZoneError       text that names no time zone                       (schemas.time_zones)
    ├── DecodeError         bytes that are no message, or a message that lies  (schemas.wire)
    ├── SimulationError     a simulation that cannot be run as asked           (simulator)
    ├── ServerError         an embedded server that cannot be had              (servers)
    ├── StorageError        a database that refuses, or is not ready           (storage)
    ├── UnreadableSignalsError, ThresholdError, ScoreError, FatigueError, LayoutError
    │                       driving that cannot be judged as asked             (analytics)
    ├── SegmentError, ModelFileError, AdviceError
    │                       fuel that cannot be told as asked                  (analytics.*)
    ├── IngestError         a worker that must stop for a person to look       (ingest)
    └── SettingsError       a setting whose value cannot be used               (any room)

Each message says what happened, where (VIN, topic, partition, offset, file and line) and what to
do now.
"""


class TelemetryError(Exception):
    """Something the platform understands went wrong; the message says what to do."""


class SettingsError(TelemetryError):
    """A setting cannot be used; the message names the environment variable and the value."""
