"""Writes lead_conversions.csv: seeded leads whose conversion really depends on what is known of them.

    python examples/leads/generator.py --rows 1000 --out leads-data/lead_conversions.csv

A lead converts with probability 1 / (1 + exp(-z)), where

    z = 0.08 (web_visits - 25) + (salary - 85,000) / 37,500 + effect of last_action + 1.3 if 30 <= age < 50 - 1.5

and the effects are form_submit 2.2, email_click 1.0, web_view -0.5, nothing -2.0. About 39% convert. Who knows the formula
ranks leads with an AUC of about 0.88, so a good model reaches 0.80 and none reaches 0.95.

Files of the real world have blemishes. By default one cell in a hundred rows is "NA", one last_action in fifty has blanks
around it, and a few rows more than asked for have no id at all. `--blemishes 0` leaves all of that out.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SEED = 42
COLUMNS = ("id", "age", "salary", "web_visits", "last_action", "converted")
ACTION_EFFECTS = {"email_click": 1.0, "form_submit": 2.2, "web_view": -0.5, "nothing": -2.0}
ACTIONS = tuple(ACTION_EFFECTS)
MISSING = "NA"
BLEMISHES = 0.01
CHUNK_ROWS = 100_000

Line = list[str]


def leads(rows: int, seed: int = SEED) -> Iterator[tuple[int, int, int, int, str, int]]:
    """Clean leads, numbered from 1."""
    random = np.random.default_rng(seed)
    for first in range(0, rows, CHUNK_ROWS):
        size = min(CHUNK_ROWS, rows - first)
        age, salary, visits = features(random, size)
        action = random.integers(0, len(ACTIONS), size)
        converted = random.random(size) < conversion_probability(age, salary, visits, action)
        columns = (np.arange(first + 1, first + size + 1), age, salary, visits, action, converted.astype(int))
        for number, *known, action_number, label in zip(*(c.tolist() for c in columns), strict=True):
            yield number, *known, ACTIONS[action_number], label


def features(random: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Age 18-69, salary 20,000-149,999 and web visits 1-49, each uniform."""
    return (
        random.integers(18, 70, size),
        random.integers(20_000, 150_000, size),
        random.integers(1, 50, size),
    )


def conversion_probability(
    age: np.ndarray, salary: np.ndarray, web_visits: np.ndarray, action: np.ndarray
) -> np.ndarray:
    """The formula above; `action` holds positions in ACTIONS."""
    effect = np.array([ACTION_EFFECTS[name] for name in ACTIONS])[action]
    prime = 1.3 * ((age >= 30) & (age < 50))
    return 1 / (1 + np.exp(-(0.08 * (web_visits - 25) + (salary - 85_000) / 37_500 + effect + prime - 1.5)))


def lines(rows: int, seed: int = SEED, blemishes: float = BLEMISHES) -> Iterator[Line]:
    """The file's lines without its header."""
    random = np.random.default_rng(seed + 1)
    for lead in leads(rows, seed):
        line = [str(value) for value in lead]
        lost, which, padded, anonymous = random.random(4).tolist()
        if anonymous < blemishes / 2:
            yield [MISSING, *line[1:]]
        if lost < blemishes:
            line[1 + int(which * 3)] = MISSING
        if padded < 2 * blemishes:
            line[4] = f"  {line[4]} "
        yield line


def write(path: Path, rows: int, seed: int = SEED, blemishes: float = BLEMISHES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(lines(rows, seed, blemishes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="how many leads (1000)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"({SEED})")
    parser.add_argument("--blemishes", type=float, default=BLEMISHES, help=f"share of bad rows ({BLEMISHES})")
    parser.add_argument("--out", type=Path, default=Path("leads-data/lead_conversions.csv"))
    options = parser.parse_args()
    write(options.out, options.rows, options.seed, options.blemishes)
    print(f"{options.rows:,} leads in {options.out}")


if __name__ == "__main__":
    main()
