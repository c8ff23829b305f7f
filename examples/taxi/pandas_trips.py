"""The cleaning and features of trips.py in pandas, to compare with."""

from pathlib import Path

import numpy as np
import pandas as pd
from trips import (
    DISTANCE_KM_MIN,
    DURATION_S,
    EARTH_KM,
    FEATURES,
    LATITUDES,
    LONGITUDES,
    PASSENGERS,
    RUSH_HOURS,
)

__all__ = ["features_and_label"]


def features_and_label(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, features), the minutes, and which rows are held out."""
    trips = pd.read_parquet(path)
    trips["distance_km"] = haversine_km(trips)
    pickup = trips["pickup_datetime"].dt
    trips["hour"], trips["weekday"], trips["month"] = pickup.hour, pickup.weekday, pickup.month
    trips["is_weekend"] = (trips["weekday"] >= 5).astype(int)
    trips["is_rush_hour"] = trips["hour"].isin(RUSH_HOURS).astype(int)
    kept = trips[plausible(trips) & trips["trip_duration"].between(*DURATION_S)]
    is_test = kept["id"].str[-1].isin(["0", "5"])
    return kept[FEATURES].to_numpy(float), (kept["trip_duration"] / 60).to_numpy(), is_test.to_numpy()


def haversine_km(trips: pd.DataFrame) -> pd.Series:
    lat1, lat2 = np.radians(trips["pickup_latitude"]), np.radians(trips["dropoff_latitude"])
    lon1, lon2 = np.radians(trips["pickup_longitude"]), np.radians(trips["dropoff_longitude"])
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(half))


def plausible(trips: pd.DataFrame) -> pd.Series:
    inside = trips["passenger_count"].between(*PASSENGERS) & (trips["distance_km"] > DISTANCE_KM_MIN)
    for end in ("pickup", "dropoff"):
        inside &= trips[f"{end}_longitude"].between(*LONGITUDES) & trips[f"{end}_latitude"].between(
            *LATITUDES
        )
    return inside
