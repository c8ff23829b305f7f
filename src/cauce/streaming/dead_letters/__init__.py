"""Dead letters: rows that would have failed a query, put aside with where they came from and why.

Imported by the planner, execution and query; imports formats, files, conf and errors. Knows nothing of plans
or sources: `planner/poison.py` finds the rows. Off unless the user names a path.
"""

from cauce.streaming.dead_letters.letter import DeadLetter, reason, record_text
from cauce.streaming.dead_letters.letters import DeadLetterOptions, DeadLetters
from cauce.streaming.dead_letters.narrowing import Attempt, poison_rows

__all__ = [
    "Attempt",
    "DeadLetter",
    "DeadLetterOptions",
    "DeadLetters",
    "poison_rows",
    "reason",
    "record_text",
]
