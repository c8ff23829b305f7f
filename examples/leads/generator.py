"""Writes lead_conversions.csv: seeded leads whose conversion really depends on what is known of them.

    python examples/leads/generator.py --rows 1000 --out leads-data/lead_conversions.csv

A lead converts with probability 1 / (1 + exp(-z)), where

    z = 0.08 (web_visits - 25) + (salary - 85,000) / 37,500 + action + age - 1.5

    action: form_submit 2.2, email_click 1.0, web_view -0.5, nothing -2.0;  age: 1.3 from 30 to 49, else 0

About 39% convert. Who knows the formula ranks leads with an AUC of about 0.88, so a good model reaches 0.80
and none reaches 0.95.

Files of the real world have blemishes. By default one cell of every hundredth row is "NA", one last_action in
fifty has blanks around it, and there are a few rows more than asked for that have no id. `--blemishes 0`
leaves all of that out.
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
CHUNK_ROWS = 1000

Line = list[str]


def leads(rows: int, seed: int = SEED) -> Iterator[tuple[int, int, int, int, str, int]]:
    """Clean leads, numbered from 1; the first hundred of a thousand are those of a hundred."""
    random = np.random.default_rng(seed)
    for first in range(0, rows, CHUNK_ROWS):
        columns = chunk(random, first + 1)
        values = zip(*(column[: rows - first].tolist() for column in columns), strict=True)
        for number, age, salary, visits, action, converted in values:
            yield number, age, salary, visits, ACTIONS[action], converted


def chunk(random: np.random.Generator, first: int) -> tuple[np.ndarray, ...]:
    """A thousand leads as columns; the action is a position in ACTIONS."""
    age, salary, visits = features(random, CHUNK_ROWS)
    action = random.integers(0, len(ACTIONS), CHUNK_ROWS)
    converted = random.random(CHUNK_ROWS) < conversion_probability(age, salary, visits, action)
    return np.arange(first, first + CHUNK_ROWS), age, salary, visits, action, converted.astype(int)


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
