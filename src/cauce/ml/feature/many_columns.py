"""Stages that work on one column or on many: which columns they name, and what Spark refuses."""

from collections.abc import Sequence

from cauce.errors import IllegalArgumentException
from cauce.ml.columns import require
from cauce.ml.params import Params

__all__ = ["inputs_and_outputs", "pairs_of"]


def pairs_of(params: Params) -> list[tuple[str, str]]:
    """(input, output) columns of a stage whose parameters were checked."""
    if params.is_set("inputCols"):
        return list(zip(params["inputCols"], params["outputCols"], strict=True))
    return [(params["inputCol"], params["outputCol"])]


def inputs_and_outputs(
    params: Params, *, shown: str = "", only_one: Sequence[str] = (), only_many: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """(input, output) columns, checked as ParamValidators.checkSingleVsMultiColumnParams does.

    `shown` is the stage as Spark prints it; `only_one` and `only_many` are further parameters of either form.
    """
    name = f"{params.class_name.rpartition('.')[2]} {shown or params.uid}"
    one, many = params.is_set("inputCol"), params.is_set("inputCols")
    exactly = f"{name} requires exactly one of inputCol, inputCols Params to be set, but"
    if one:
        require(not many, f"{exactly} both are set.")
        prefix = f"{name} has the inputCol Param set for single-column transform. "
        _check_exclusive(params, prefix, ["outputCol", *only_one], ["outputCols", *only_many])
        return [(params["inputCol"], params["outputCol"])]
    if not many:
        raise IllegalArgumentException(None, f"{exactly} neither is set.")
    prefix = f"{name} has the inputCols Param set for multi-column transform. "
    _check_exclusive(params, prefix, ["outputCols", *only_many], ["outputCol", *only_one])
    names = ["inputCols", "outputCols", *only_many]
    lengths = [len(params[one]) for one in names]
    require(
        len(set(lengths)) == 1,
        f"{name} has mismatched Params for multi-column transform. Params ({', '.join(names)}) should have "
        f"equal lengths, but they have different lengths: ({', '.join(map(str, lengths))}).",
    )
    return list(zip(params["inputCols"], params["outputCols"], strict=True))


def _check_exclusive(params: Params, prefix: str, needed: Sequence[str], excluded: Sequence[str]) -> None:
    wrong = ", ".join(name for name in excluded if params.is_set(name))
    missing = ", ".join(name for name in needed if name not in params)
    message = f"The following Params are not applicable and should not be set: {wrong}." if wrong else ""
    message += f"The following Params must be defined but are not set: {missing}." if missing else ""
    if message:
        raise IllegalArgumentException(None, prefix + message)
