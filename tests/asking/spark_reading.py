"""Reads tables by Spark in a process of its own, and writes down their columns, types and rows.

    python spark_reading.py OUT.json TABLE…    (parquet=FOLDER, delta=FOLDER or delta@0=FOLDER)

It knows nothing of the product: an interpreter that has PySpark is enough, and for Delta the jars
that SPARK_JARS names, with commas.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession, functions
from pyspark.sql.types import DateType, TimestampType

SETTINGS = {
    "spark.master": "local[1]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Whoever's clock it is, an instant is the same.
    "spark.sql.session.timeZone": "Asia/Shanghai",
}
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def session(jars: str) -> SparkSession:
    """Spark on one core, nothing of it seen from elsewhere."""
    builder: Any = SparkSession.builder
    settings = SETTINGS | (DELTA | {"spark.jars": jars} if jars else {})
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark: SparkSession = builder.getOrCreate()
    return spark


def read(spark: SparkSession, form: str, folder: str) -> dict[str, Any]:
    """A table: types by column, and rows; instants as microseconds since 1970, days as text."""
    name, _, version = form.partition("@")
    reader = spark.read.format(name)
    table = (reader.option("versionAsOf", version) if version else reader).load(folder)
    columns = []
    for one in table.schema.fields:
        column = functions.col(one.name)
        if isinstance(one.dataType, TimestampType):
            column = functions.unix_micros(column)
        elif isinstance(one.dataType, DateType):
            column = column.cast("string")
        columns.append(column.alias(one.name))
    return {
        "types": dict(table.dtypes),
        "rows": [list(row) for row in table.select(columns).collect()],
    }


def main() -> None:
    """Read what the command line names."""
    out, *tables = sys.argv[1:]
    spark = session(os.environ.get("SPARK_JARS", ""))
    try:
        told = {table: read(spark, *table.split("=", 1)) for table in tables}
    finally:
        spark.stop()
    Path(out).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
