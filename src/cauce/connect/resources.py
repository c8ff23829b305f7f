"""The commands about a cluster's resources: there are none here."""

from collections.abc import Iterator

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import ExecutePlanResponse

from cauce.connect.execution import Execution

__all__ = ["RESOURCE_COMMANDS"]


def get_resources_command(
    message: proto.GetResourcesCommand, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """`spark.resources`: no accelerators are managed."""
    yield ExecutePlanResponse(get_resources_command_result=proto.GetResourcesCommandResult())


RESOURCE_COMMANDS = {"get_resources_command": get_resources_command}
