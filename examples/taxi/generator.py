"""Makes taxi trips whose duration has causes: distance, the hour, the day, the zone, rain.

    python generator.py --out trips.parquet --trips 5000000

A trip takes distance / speed + stops. Speed follows the hour (12 km/h in the rush, 34 at night), is higher
on weekends and lower in the centre and in the rain; what is left is noise of 12%. One trip in a hundred is
spoiled the way real files are: seconds-long or day-long trips, no passengers, coordinates outside the city.
The same seed gives the same trips, whatever the number asked for before.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 42
START = np.datetime64(datetime(2025, 1, 1), "us")
DAYS = 181
CHUNK_TRIPS = 500_000

CENTRE = (-73.985, 40.755)
KM_PER_DEGREE_LON, KM_PER_DEGREE_LAT = 84.2, 111.2
CENTRE_KM = 3.0

SPEED_KMH_BY_HOUR = np.array(
    [30, 32, 34, 34, 32, 28, 20, 13, 12, 13, 17, 17, 16, 16, 16, 15, 14, 12, 12, 14, 18, 22, 25, 28], float
)
WEEKEND_FACTOR, CENTRE_FACTOR, RAIN_FACTOR = 1.3, 0.85, 0.85
STREETS_FACTOR = 1.3
"""Streets are longer than the straight line."""
NOISE = 0.12
RAIN_SHARE, SPOILED_SHARE = 0.12, 0.01

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("vendor_id", pa.int32()),
        ("pickup_datetime", pa.timestamp("us")),
        ("dropoff_datetime", pa.timestamp("us")),
        ("passenger_count", pa.int32()),
        ("pickup_longitude", pa.float64()),
        ("pickup_latitude", pa.float64()),
        ("dropoff_longitude", pa.float64()),
        ("dropoff_latitude", pa.float64()),
        ("store_and_fwd_flag", pa.string()),
        ("trip_duration", pa.int64()),
    ]
)


def trips(count: int, seed: int = SEED) -> Iterator[pa.Table]:
    """`count` trips in tables of at most CHUNK_TRIPS; chunk number n has a random stream of its own."""
    for number, first in enumerate(range(0, count, CHUNK_TRIPS)):
        yield chunk(np.random.default_rng((seed, number)), first, min(CHUNK_TRIPS, count - first))


def chunk(random: np.random.Generator, first: int, count: int) -> pa.Table:
    """Trips number `first` and following."""
    seconds = random.integers(0, DAYS * 86_400, count)
    pickup = START + (seconds * 1_000_000).astype("timedelta64[us]")
    lon, lat = (
        centre + random.normal(0, spread, count) for centre, spread in zip(CENTRE, (0.03, 0.03), strict=True)
    )
    distance_km = np.minimum(random.lognormal(0.9, 0.75, count), 30)
    angle = random.uniform(0, 2 * np.pi, count)
    to_lon = lon + distance_km * np.cos(angle) / KM_PER_DEGREE_LON
    to_lat = lat + distance_km * np.sin(angle) / KM_PER_DEGREE_LAT
    rain = rainy_hours()[seconds // 3600]
    speed = speed_kmh(seconds, from_centre_km(lon, lat), rain)
    duration = distance_km * STREETS_FACTOR / speed * 3600 * random.lognormal(0, NOISE, count)
    duration = (duration + random.gamma(2.0, 30.0, count)).astype(np.int64)
    passengers = random.choice([1, 2, 3, 4, 5, 6], count, p=[0.7, 0.14, 0.05, 0.03, 0.05, 0.03])
    spoil(random, duration, passengers, to_lon)
    columns = [
        pa.array([f"id{number:08d}" for number in range(first, first + count)]),
        random.integers(1, 3, count).astype(np.int32),
        pickup,
        pickup + (duration * 1_000_000).astype("timedelta64[us]"),
        passengers.astype(np.int32),
        *(np.round(degrees, 6) for degrees in (lon, lat, to_lon, to_lat)),
        np.where(random.random(count) < 0.005, "Y", "N"),
        duration,
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)


def speed_kmh(seconds: np.ndarray, centre_km: np.ndarray, rain: np.ndarray) -> np.ndarray:
    """Of each trip, by the second of the half year at which it begins."""
    hour = seconds // 3600 % 24
    day = (seconds // 86_400 + 2) % 7  # 2025 began on a Wednesday.
    speed = SPEED_KMH_BY_HOUR[hour]
    speed = np.where(day >= 5, np.minimum(speed * WEEKEND_FACTOR, SPEED_KMH_BY_HOUR.max()), speed)
    return speed * np.where(centre_km < CENTRE_KM, CENTRE_FACTOR, 1.0) * np.where(rain, RAIN_FACTOR, 1.0)


def rainy_hours() -> np.ndarray:
    """For each hour of the half year whether it rains, the same for all trips."""
    return np.random.default_rng(SEED).random(DAYS * 24) < RAIN_SHARE


def from_centre_km(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return np.hypot((lon - CENTRE[0]) * KM_PER_DEGREE_LON, (lat - CENTRE[1]) * KM_PER_DEGREE_LAT)


def spoil(
    random: np.random.Generator, duration: np.ndarray, passengers: np.ndarray, to_lon: np.ndarray
) -> None:
    """Make some trips what no trip can be, in place."""
    kind = np.where(random.random(len(duration)) < SPOILED_SHARE, random.integers(0, 4, len(duration)), -1)
    duration[kind == 0] = random.integers(0, 30, int((kind == 0).sum()))
    duration[kind == 1] = random.integers(21_601, 90_000, int((kind == 1).sum()))
    passengers[kind == 2] = 0
    to_lon[kind == 3] += 2.0


def write(path: Path, count: int, seed: int = SEED) -> None:
    """The trips as one Parquet file, written in pieces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, SCHEMA, compression="snappy") as writer:
        for table in trips(count, seed):
            writer.write_table(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("taxi-data/trips.parquet"))
    parser.add_argument("--trips", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    write(options.out, options.trips, options.seed)


if __name__ == "__main__":
    main()
