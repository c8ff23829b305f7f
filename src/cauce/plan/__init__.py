"""Pure functions over Spark Connect plans: walk, print, rewrite, and SQL text to relations.

Imported by state, checkpoint, engine and everything above; imports only errors. Nothing here runs a
plan, reads a clock or keeps state: a rule takes a relation and returns a relation.
Not supported: relations packed into `extension` messages are leaves to every function here.
SQL is read as far as a SELECT over a stream needs; what is not read is refused, never guessed.
"""

# No names here: a rule is imported from the file that is called after it.
__all__: list[str] = []
