"""A session of Sail: relations in, Arrow out, by whichever way is faster for the size at hand."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import grpc
import pyarrow as pa
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation, base_pb2_grpc
from pyspark.sql.connect.types import proto_schema_to_pyspark_data_type
from pyspark.sql.datasource import DataSource
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine import exchange
from cauce.engine.arrow_form import conformed, noted_schema
from cauce.engine.ddl import ddl_text
from cauce.engine.errors import translate
from cauce.engine.functions import map_arrow, passed
from cauce.engine.raw import TELL_THE_END, OperationIds, RawStub, unfinished
from cauce.engine.scans import SCAN_BYTES_MIN, scan_bytes
from cauce.engine.substitute import Template, local_relation

__all__ = ["EngineSession"]

INLINE_ROWS_MAX = 8_192
"""Up to here an inline LocalRelation is faster than the in-process data source (see DESIGN.md)."""
INLINE_BYTES_MAX = 1 << 20
KEEP_ROWS_MIN = 16_384
"""From here results leave through `Keep`, which costs ~4.5 ms but no serialisation."""


class EngineSession:
    """One (user, session id) of Sail. Thread-safe."""

    def __init__(
        self,
        channel: grpc.Channel,
        user_id: str,
        session_id: str,
        open_for_stream: "Callable[[str, Mapping[str, str]], EngineSession] | None" = None,
    ) -> None:
        self._open_for_stream = open_for_stream
        self.user_id = user_id
        self.session_id = session_id
        self.raw = RawStub(channel)
        self.operation_ids = OperationIds()
        self._sources: set[str] = set()
        self._functions: set[str] = set()
        self._stub = base_pb2_grpc.SparkConnectServiceStub(channel)
        self._user_context = proto.UserContext(user_id=user_id, user_name=user_id)

    @functools.cached_property
    def time_zone(self) -> str:
        """The zone of timestamp columns, spelled as Sail spells it when this session was first used."""
        return self.config_get("spark.sql.session.timeZone")

    def forget_time_zone(self) -> None:
        """The session's zone was set anew."""
        self.__dict__.pop("time_zone", None)

    def for_stream(self, settings: Mapping[str, str]) -> "EngineSession":
        """A session of a query's own with these settings, for relations that ask for nothing by name."""
        return self if self._open_for_stream is None else self._open_for_stream(self.user_id, settings)

    def touch(self) -> None:
        """Tell Sail that the session is still used; whether it is still there does not matter here."""
        with contextlib.suppress(grpc.RpcError):
            self.config_get("spark.sql.session.timeZone")

    def run(
        self, relation: "Relation | Template", inputs: Mapping[str, pa.Table | Relation] | None = None
    ) -> pa.Table:
        """The rows of a batch relation.

        `inputs` replaces the leaves made by `input_leaf`. A relation that runs every batch is passed
        as a `Template`, which remembers where its leaves are.
        """
        template = relation if isinstance(relation, Template) else Template(relation)
        inputs = inputs or {}
        with contextlib.ExitStack() as stack:
            leaves = {name: self._enter(inputs[name], stack) for name in template.names}
            filled = template.fill(leaves)
            if not template.ordered and any(_is_large(inputs[name]) for name in template.names):
                return conformed(self._run_kept(filled, template), self.time_zone)
            return conformed(self.collect(filled), self.time_zone)

    def run_large(self, relation: Relation) -> pa.Table:
        """As `run`, for what is expected to give many rows, which then never leave the process."""
        template = Template(relation)
        if template.ordered:
            return self.run(template)
        return conformed(self._run_kept(template.fill({}), template), self.time_zone)

    def collect(self, relation: Relation) -> pa.Table:
        """The rows of a relation over Sail's gRPC: right for small results and for ordered ones."""
        batches: list[pa.RecordBatch] = []
        schema = None
        for response in self.responses(proto.Plan(root=relation)):
            kind = response.WhichOneof("response_type")
            if kind == "arrow_batch":
                with pa.ipc.open_stream(response.arrow_batch.data) as reader:
                    schema = reader.schema
                    batches.extend(batch for batch in reader if batch.num_rows)
        assert schema is not None, "even an empty answer has a batch"
        return pa.Table.from_batches(batches, schema)

    def schema(
        self, relation: Relation | Template, inputs: Mapping[str, pa.Table | Relation] | None = None
    ) -> StructType:
        """The schema Sail resolves for a batch relation, without running it."""
        if inputs or isinstance(relation, Template):
            template = relation if isinstance(relation, Template) else Template(relation)
            leaves = {name: _as_relation(value) for name, value in (inputs or {}).items()}
            relation = template.fill(leaves)
        request = proto.AnalyzePlanRequest(
            session_id=self.session_id,
            user_context=self._user_context,
            schema=proto.AnalyzePlanRequest.Schema(plan=proto.Plan(root=relation)),
        )
        with _translated_errors():
            return _struct(self._stub.AnalyzePlan(request).schema.schema)

    def parse_ddl(self, text: str) -> StructType:
        """The schema a DDL text spells."""
        request = proto.AnalyzePlanRequest(
            session_id=self.session_id,
            user_context=self._user_context,
            ddl_parse=proto.AnalyzePlanRequest.DDLParse(ddl_string=text),
        )
        with _translated_errors():
            return _struct(self._stub.AnalyzePlan(request).ddl_parse.parsed)

    def execute(self, command: proto.Command) -> list[proto.ExecutePlanResponse]:
        """Run a command to its end."""
        return list(self.responses(proto.Plan(command=command)))

    def sql(self, query: str) -> pa.Table:
        """The rows of a SQL text."""
        return self.collect(Relation(sql=proto.SQL(query=query)))

    def responses(self, plan: proto.Plan) -> Iterator[proto.ExecutePlanResponse]:
        """The responses to one plan; Sail's errors come as Spark's."""
        with self.operation_ids.borrow() as operation_id, _translated_errors():
            request = proto.ExecutePlanRequest(
                session_id=self.session_id,
                user_context=self._user_context,
                operation_id=operation_id,
                request_options=TELL_THE_END,
                plan=plan,
            )
            response = None
            for response in self._stub.ExecutePlan(request):
                yield response
            if response is None or not response.HasField("result_complete"):
                raise unfinished()

    def config_get(self, key: str) -> str:
        """The value of a setting as Sail holds it."""
        operation = proto.ConfigRequest.Operation(get=proto.ConfigRequest.Get(keys=[key]))
        request = proto.ConfigRequest(
            session_id=self.session_id, user_context=self._user_context, operation=operation
        )
        return self._stub.Config(request).pairs[0].value

    def config_set(self, values: Mapping[str, str]) -> None:
        """Tell Sail settings, such as the session's zone."""
        pairs = [proto.KeyValue(key=key, value=value) for key, value in values.items()]
        operation = proto.ConfigRequest.Operation(set=proto.ConfigRequest.Set(pairs=pairs))
        request = proto.ConfigRequest(
            session_id=self.session_id, user_context=self._user_context, operation=operation
        )
        self._stub.Config(request)
        self.forget_time_zone()

    def register_source(self, source: type[DataSource]) -> None:
        """Register one of our own data sources, which read memory of this process, in Sail, once."""
        if source.name() in self._sources:
            return
        from pyspark.sql.connect.plan import PythonDataSource

        plan = PythonDataSource(data_source=source, python_ver="3").to_plan(cast(Any, None))
        registered = proto.CommonInlineUserDefinedDataSource(name=source.name(), python_data_source=plan)
        self.execute(proto.Command(register_data_source=registered))
        self._sources.add(source.name())

    def register_function(self, name: str, registration: proto.Command) -> None:
        """Register a function of our own under a name in Sail, once."""
        if name not in self._functions:
            self.execute(registration)
            self._functions.add(name)

    def leaf(self, table: pa.Table, lease: contextlib.ExitStack) -> Relation:
        """A relation that reads the table; a large one stays readable until `lease` is closed."""
        return self._enter(table, lease)

    def _enter(self, value: pa.Table | Relation, stack: contextlib.ExitStack) -> Relation:
        if isinstance(value, Relation):
            return value
        rows = conformed(value, self.time_zone)
        if _fits_inline(rows):
            return local_relation(rows)
        key = stack.enter_context(exchange.parked(rows))
        self.register_source(exchange.ArrowExchange)
        schema = ddl_text(from_arrow_schema(rows.schema))
        source = proto.Read.DataSource(format="cauce_exchange", schema=schema, options={"key": key})
        return _as_noted(Relation(read=proto.Read(data_source=source)), rows.schema)

    def _run_kept(self, relation: Relation, template: Template) -> pa.Table:
        if template.output_schema is None:
            template.output_schema = self.schema(relation)
        with exchange.kept() as exit_:
            keep = map_arrow(relation, exchange.Keep(exit_.key), template.output_schema, name="keep")
            self.collect(keep)
            batches = exit_.batches()
            if batches:
                return pa.Table.from_batches(batches, batches[0].schema)
            return self._arrow_schema(template.output_schema).empty_table()

    def _arrow_schema(self, schema: StructType) -> pa.Schema:
        return to_arrow_schema(schema, timezone=self.time_zone)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise translate(error) from None


def _struct(schema: proto.DataType) -> StructType:
    found = proto_schema_to_pyspark_data_type(schema)
    assert isinstance(found, StructType), f"rows have columns, not {found}"
    return found


def _as_noted(relation: Relation, schema: pa.Schema) -> Relation:
    """The relation with the user defined types and the column metadata that a DDL text cannot tell."""
    noted = noted_schema(schema)
    return relation if noted is None else map_arrow(relation, passed, noted, name="noted")


def _as_relation(value: pa.Table | Relation) -> Relation:
    return value if isinstance(value, Relation) else local_relation(value.slice(0, 0))


def _fits_inline(table: pa.Table) -> bool:
    return table.num_rows <= INLINE_ROWS_MAX and table.nbytes <= INLINE_BYTES_MAX


def _is_large(value: pa.Table | Relation) -> bool:
    if isinstance(value, Relation):
        return scan_bytes(value) >= SCAN_BYTES_MIN
    return value.num_rows >= KEEP_ROWS_MIN
