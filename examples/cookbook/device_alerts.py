"""N12 IoT: five-minute statistics per device from late readings, and an alert when one got too hot.

cauce run examples/cookbook/device_alerts.py
"""

from pathlib import Path

from kitchen import Topic, cook, rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

READING = "time timestamp, device string, temperature double"
TOO_HOT = 80.0


def recipe(spark: SparkSession, folder: Path) -> dict:
    telemetry = Topic(spark, folder / "iot-telemetry", READING)
    # One reading a minute; some come up to five minutes late.
    telemetry.send(reading(0, "pump", 60), reading(1, "pump", 70), reading(3, "fan", 20))
    telemetry.send(reading(6, "pump", 85), reading(2, "pump", 74), reading(4, "fan", 22))
    telemetry.send(reading(30, "pump", 61), reading(31, "fan", 21))
    alerts = device_alerts(telemetry.frame)
    writer = alerts.writeStream.format("json").option("checkpointLocation", str(folder / "checkpoint"))
    writer.trigger(availableNow=True).start(str(folder / "device-alerts")).awaitTermination()
    schema = "window_start timestamp, device string, avg_temp double, max_temp double, readings long"
    return {"device-alerts": rows(spark.read.schema(schema).json(str(folder / "device-alerts")))}


def device_alerts(telemetry: DataFrame) -> DataFrame:
    windows = telemetry.withWatermark("time", "10 minutes").groupBy(F.window("time", "5 minutes"), "device")
    statistics = windows.agg(
        F.avg("temperature").alias("avg_temp"),
        F.max("temperature").alias("max_temp"),
        F.count("*").alias("readings"),
    )
    hot = statistics.where(F.col("max_temp") > TOO_HOT)
    return hot.select(
        F.col("window.start").alias("window_start"), "device", "avg_temp", "max_temp", "readings"
    )


def reading(minute: int, device: str, temperature: float) -> dict:
    return {"time": f"2026-01-01 12:{minute:02}:00", "device": device, "temperature": float(temperature)}


if __name__ == "__main__":
    cook(recipe)
