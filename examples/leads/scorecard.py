"""The scoring stage: enriched leads in, the same leads with their probability of converting out.

`score` is the seam for a registered model: a function from one DataFrame to another, called once when the
streams are defined. This one is the scorecard a sales team would write down, made of the enrichment's bands.
"""

from itertools import chain

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ACTION_POINTS = {"form_submit": 0.35, "email_click": 0.25, "web_view": 0.05, "nothing": 0.0}
SALARY_POINTS = {"Low": 0.0, "Medium": 0.1, "High": 0.25}
VISIT_POINTS = {"Low": 0.0, "Medium": 0.1, "High": 0.25}
PRIME_AGE_POINTS = 0.15
CONVERTS_FROM = 0.5


def score(leads: DataFrame) -> DataFrame:
    """Adds conversion_probability (0 to 1) and predicted_conversion (0 or 1)."""
    probability = (
        points(ACTION_POINTS, "last_action")
        + points(SALARY_POINTS, "salary_band")
        + points(VISIT_POINTS, "visit_band")
        + F.when(F.col("age").between(30, 49), PRIME_AGE_POINTS).otherwise(0.0)
    )
    scored = leads.withColumn("conversion_probability", F.round(probability, 2))
    predicted = (F.col("conversion_probability") >= CONVERTS_FROM).cast("int")
    return scored.withColumn("predicted_conversion", predicted)


def points(table: dict[str, float], column: str) -> Column:
    """What the value is worth; an unknown one is worth nothing."""
    entries = F.create_map(*map(F.lit, chain.from_iterable(table.items())))
    return F.coalesce(entries[F.col(column)], F.lit(0.0))
