"""What a trip is, which trips can be believed, and what a model is told about one. Plain PySpark."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SCHEMA = """id STRING, vendor_id INT, pickup_datetime TIMESTAMP, dropoff_datetime TIMESTAMP,
    passenger_count INT, pickup_longitude DOUBLE, pickup_latitude DOUBLE, dropoff_longitude DOUBLE,
    dropoff_latitude DOUBLE, store_and_fwd_flag STRING, trip_duration BIGINT"""

EARTH_KM = 6371.0
LONGITUDES, LATITUDES = (-74.3, -73.7), (40.5, 40.9)
DURATION_S = (30, 21_600)
PASSENGERS = (1, 6)
DISTANCE_KM_MIN = 0.1
RUSH_HOURS = (7, 8, 9, 17, 18, 19)

FEATURES = [
    "distance_km", "passenger_count", "vendor_id", "hour", "weekday", "month", "is_weekend", "is_rush_hour",
]  # fmt: skip
LABEL = "duration_min"


def haversine_km() -> Column:
    """The great circle between pickup and dropoff."""
    lat1, lat2 = F.radians("pickup_latitude"), F.radians("dropoff_latitude")
    lon1, lon2 = F.radians("pickup_longitude"), F.radians("dropoff_longitude")
    half = F.pow(F.sin((lat2 - lat1) / 2), 2) + F.cos(lat1) * F.cos(lat2) * F.pow(F.sin((lon2 - lon1) / 2), 2)
    return 2 * EARTH_KM * F.asin(F.sqrt(half))


def with_features(trips: DataFrame) -> DataFrame:
    """The trips with the columns of FEATURES."""
    hour, weekday = F.hour("pickup_datetime"), F.weekday("pickup_datetime")
    return trips.withColumns(
        {
            "distance_km": haversine_km(),
            "hour": hour,
            "weekday": weekday,
            "month": F.month("pickup_datetime"),
            "is_weekend": (weekday >= 5).cast("int"),
            "is_rush_hour": hour.isin(*RUSH_HOURS).cast("int"),
        }
    )


def plausible() -> Column:
    """Whether place, distance and passengers are those of a trip in this city; never null."""
    inside = [
        F.col(f"{end}_{axis}").between(*bounds)
        for end in ("pickup", "dropoff")
        for axis, bounds in (("longitude", LONGITUDES), ("latitude", LATITUDES))
    ]
    rest = [F.col("passenger_count").between(*PASSENGERS), F.col("distance_km") > DISTANCE_KM_MIN]
    condition = inside[0]
    for part in inside[1:] + rest:
        condition = condition & part
    return F.coalesce(condition, F.lit(False))


def labelled(trips: DataFrame) -> DataFrame:
    """Trips to learn from: plausible, with a believable duration, in minutes, as LABEL."""
    featured = with_features(trips).filter(plausible() & F.col("trip_duration").between(*DURATION_S))
    return featured.withColumn(LABEL, F.col("trip_duration") / 60.0)
