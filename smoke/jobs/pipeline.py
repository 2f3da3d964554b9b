"""The Spark side of the smoke test: runs on a node under spark-submit, with nothing but the node's pyspark.

Argument: a file (a FIFO) with one line of JSON, the order: bootstrap, topic, directory (a URI), records.
What it finds goes to stdout as lines "smoke: {JSON}". It judges nothing: the controller does.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pyspark.sql import SparkSession  # type: ignore[import-not-found]
from pyspark.sql import functions as f


def tell(**message: Any) -> None:
    """Say something to the controller."""
    print("smoke: " + json.dumps(message), flush=True)


def listen(orders: SimpleQueue[str]) -> None:
    """Pass the order on, then watch: the controller keeps the FIFO open as long as it wants this process."""
    with Path(sys.argv[1]).open() as fifo:
        for line in fifo:
            orders.put(line)
    os._exit(3)


def main() -> None:
    """Start the session, wait for the order, do both jobs, tell what was found."""
    orders: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=listen, args=(orders,), daemon=True).start()

    tell(progress="starting the session")
    began = time.monotonic()
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    session = time.monotonic() - began
    tell(progress=f"session ready after {session:.1f} s", application=spark.sparkContext.applicationId)
    order = json.loads(orders.get())

    source = {
        "kafka.bootstrap.servers": order["bootstrap"],
        "subscribe": order["topic"],
        "startingOffsets": "earliest",
    }
    fields = f.split(f.col("value").cast("string"), "\t")
    columns = (fields.getItem(0).cast("long").alias("id"), fields.getItem(1).alias("text"))

    # The stream runs in the JVM while the batch is counted.
    began = time.monotonic()
    stream = (
        spark.readStream.format("kafka")
        .options(**source)
        .load()
        .select(*columns)
        .writeStream.format("parquet")
        .option("path", order["directory"] + "/records")
        .option("checkpointLocation", order["directory"] + "/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    tell(progress="stream started")

    batch = spark.read.format("kafka").options(**source).load().select(*columns)
    words = batch.select(f.explode(f.split("text", " ")).alias("word")).groupBy("word").count().collect()
    batch_seconds = time.monotonic() - began
    tell(progress=f"words counted after {batch_seconds:.1f} s")

    stream.awaitTermination()
    table = spark.read.parquet(order["directory"] + "/records")
    row = table.agg(
        f.count("*"),
        f.countDistinct("id"),
        f.min("id"),
        f.max("id"),
        f.sum(f.crc32(f.col("text").cast("binary"))),
    ).first()
    carried = dict(zip(("count", "distinct", "first", "last", "crc32"), row, strict=True))
    if (carried["count"], carried["distinct"]) != (order["records"], order["records"]):
        lost = spark.range(order["records"]).join(table, "id", "left_anti").orderBy("id").limit(20)
        twice = table.groupBy("id").count().where("count > 1").orderBy("id").limit(20)
        carried["missing"] = [r["id"] for r in lost.collect()]
        carried["duplicates"] = [r["id"] for r in twice.collect()]
    stream_seconds = time.monotonic() - began
    tell(progress=f"stream read back after {stream_seconds:.1f} s")

    tell(
        result={
            "session_seconds": session,
            "batch": {"seconds": batch_seconds, "words": {r["word"]: r["count"] for r in words}},
            "stream": dict(carried, seconds=stream_seconds),
        }
    )
    spark.stop()


main()
