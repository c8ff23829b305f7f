"""What a user may ask of `format("jdbc")`, checked in Spark's words."""

from collections.abc import Mapping
from dataclasses import dataclass

from cauce.conf import parse_boolean, parse_integer
from cauce.errors import IllegalArgumentException, UnsupportedOperationException

__all__ = ["JdbcOptions"]

NAMES = frozenset(
    """
    url dbtable query driver user password partitioncolumn lowerbound upperbound numpartitions fetchsize
    batchsize querytimeout truncate cascadetruncate createtableoptions createtablecolumntypes customschema
    isolationlevel sessioninitstatement preparequery
    pushdownpredicate pushdownaggregate pushdownlimit pushdownoffset
    pushdowntablesample pushdownjoin prefertimestampntz path
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a column of strings
)
"""All other options are properties of the connection."""
NOT_HERE = ("keytab", "principal", "refreshkrb5config", "connectionprovider", "hint")
ISOLATION_LEVELS = ("NONE", "READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE")


@dataclass(frozen=True)
class Partitioning:
    """`partitionColumn` and its bounds, as the user spelled them."""

    column: str
    lower: str
    upper: str
    count: int


@dataclass(frozen=True)
class JdbcOptions:
    """The options of Spark's JDBCOptions, with its defaults and its error messages."""

    url: str
    table: str
    """A name, or a query in brackets with an alias."""
    values: Mapping[str, str]
    """All options by lower-case name."""
    partitioning: Partitioning | None

    @staticmethod
    def parse(given: Mapping[str, str], *, writing: bool = False) -> "JdbcOptions":
        """Read the options; the error names the one that is wrong, and no value that may be a secret."""
        values = {key.lower(): value for key, value in given.items()}
        _require("url" in values, "Option 'url' is required.")
        for name in NOT_HERE:
            if name in values:
                raise UnsupportedOperationException(None, f"The JDBC option '{name}' is not supported.")
        if writing:
            _require("dbtable" in values, WRITE_TABLE)
        options = JdbcOptions(values["url"], _table(values), values, _partitioning(values))
        options.check()
        return options

    def check(self) -> None:
        """Raise what is wrong with a value, before anything is connected."""
        _require(self.integer("fetchsize", 0) >= 0, _too_small("fetchsize", self.get("fetchsize"), 0))
        _require(self.integer("batchsize", 1000) >= 1, _too_small("batchsize", self.get("batchsize"), 1))
        level = self.get("isolationLevel", "READ_UNCOMMITTED")
        if level not in ISOLATION_LEVELS:
            raise IllegalArgumentException(
                "_LEGACY_ERROR_TEMP_2081", value=level, jdbcTxnIsolationLevel="isolationLevel"
            )
        for name in ("truncate", "cascadeTruncate", "pushDownPredicate", "preferTimestampNTZ"):
            self.flag(name, False)

    @property
    def properties(self) -> dict[str, str]:
        """What is for the database's client: user, password and whatever Spark does not know."""
        kept = ("user", "password")
        return {key: value for key, value in self.values.items() if key in kept or key not in NAMES}

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name.lower(), default)

    def integer(self, name: str, default: int) -> int:
        text = self.values.get(name.lower())
        return default if text is None else parse_integer(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.values.get(name.lower())
        return default if text is None else parse_boolean(text)


WRITE_TABLE = "Option 'dbtable' is required. Option 'query' is not applicable while writing."


def _table(values: Mapping[str, str]) -> str:
    table, query = values.get("dbtable"), values.get("query")
    names = {"jdbcTableName": "dbtable", "jdbcQueryString": "query"}
    if table is None and query is None:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2079", **names)
    if table is not None and query is not None:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2078", **names)
    text = (table if table is not None else query or "").strip()
    _require(text != "", "Empty string is not allowed in either 'dbtable' or 'query' options")
    return text if table is not None else f"({text}) SPARK_GEN_SUBQ_0"


def _partitioning(values: Mapping[str, str]) -> Partitioning | None:
    bounds = [values.get(name) for name in ("partitioncolumn", "lowerbound", "upperbound")]
    count = values.get("numpartitions")
    if not any(bound is not None for bound in bounds):
        return None
    column, lower, upper = bounds
    if column is None or lower is None or upper is None or count is None:
        raise IllegalArgumentException(None, f"requirement failed: {ALL_OR_NONE}")
    _require("query" not in values, QUERY_AND_COLUMN)
    return Partitioning(column, lower, upper, parse_integer(count))


ALL_OR_NONE = (
    "When reading JDBC data sources, users need to specify all or none for the following options: "
    "'partitionColumn', 'lowerBound', 'upperBound', and 'numPartitions'"
)
QUERY_AND_COLUMN = """
Options 'query' and 'partitionColumn' can not be specified together.
Please define the query using `dbtable` option instead and make sure to qualify
the partition columns using the supplied subquery alias to resolve any ambiguity.
Example :
spark.read.format("jdbc")
  .option("url", jdbcUrl)
  .option("dbtable", "(select c1, c2 from t1) as subq")
  .option("partitionColumn", "c1")
  .option("lowerBound", "1")
  .option("upperBound", "100")
  .option("numPartitions", "3")
  .load()
     """


def _too_small(name: str, value: str, least: int) -> str:
    return f"Invalid value `{value}` for parameter `{name}`. The minimum value is {least}."


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise IllegalArgumentException(None, f"requirement failed: {message}")
