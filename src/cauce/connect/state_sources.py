"""`spark.read.format("statestore")` and `format("state-metadata")`: state that cauce reads itself."""

from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation, replace
from cauce.errors import UnsupportedOperationException
from cauce.streaming.stored_state import read_metadata, read_state

__all__ = ["state_source"]

CLASS_NAMES = {"statestore": "StateDataSource", "state-metadata": "StateMetadataSource"}


def state_source(node: Relation, preparation: Preparation) -> bool:
    """Put the rows in the relation's place; False if it reads something else."""
    source = node.read.data_source
    name = source.format.lower()
    if name not in CLASS_NAMES:
        return False
    if source.schema:
        raise UnsupportedOperationException("_LEGACY_ERROR_TEMP_2242", provider=CLASS_NAMES[name])
    options = dict(source.options)
    if source.paths:
        options = {key: value for key, value in options.items() if key.lower() != "path"}
        options["path"] = source.paths[0]
    table = (
        read_metadata(options) if name == "state-metadata" else read_state(options, rows=preparation.running)
    )
    replace(node, preparation.session.engine.leaf(table, preparation.lease))
    return True
