"""Many small frames become the frame that pandas itself makes of them."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from cauce.streaming.operators.pandas_concat import concat_frames

NOON = datetime(2024, 1, 1, 12)

CASES = {
    "one frame": [pd.DataFrame({"a": [1, 2], "b": ["x", None]})],
    "the same columns": [pd.DataFrame({"a": [i], "b": [i / 2], "c": [f"ü{i}"], "d": [i]}) for i in range(5)],
    "other types in between": [
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": [1.5]}),
        pd.DataFrame({"a": [2]}),
    ],
    "none among numbers": [pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [None]}), pd.DataFrame({"a": [3]})],
    "columns in another order": [pd.DataFrame({"a": [1], "b": ["x"]}), pd.DataFrame({"b": ["y"], "a": [2]})],
    "other columns": [pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [2]})],
    "columns of one name": [pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"])] * 2,
    "moments": [pd.DataFrame({"t": [NOON], "n": [1]}), pd.DataFrame({"t": [pd.NaT], "n": [2]})],
    "moments of zones": [pd.DataFrame({"t": [NOON.replace(tzinfo=UTC)], "n": [i]}) for i in range(3)],
    "moments of other units": [
        pd.DataFrame({"t": pd.Series([NOON], dtype="datetime64[us]")}),
        pd.DataFrame({"t": pd.Series([NOON], dtype="datetime64[ns]")}),
    ],
    "durations": [pd.DataFrame({"d": [pd.Timedelta(1, "h")]})] * 2,
    "extension types": [pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1, 2]})] * 2,
    "categories": [pd.DataFrame({"a": pd.Categorical(["x"])}), pd.DataFrame({"a": pd.Categorical(["y"])})],
    "lists and bytes": [pd.DataFrame({"a": [[1, 2]], "b": [b"x"]}), pd.DataFrame({"a": [[]], "b": [b""]})],
    "arrays of two columns": [pd.DataFrame(np.arange(4).reshape(2, 2), columns=["a", "b"])] * 3,
    "views of one frame": [
        pd.DataFrame({"a": range(9), "b": list("abcdefghi")}).iloc[i::3] for i in range(3)
    ],
    "numbered columns": [pd.DataFrame([[1, "x"]]), pd.DataFrame([[2, "y"]])],
}


@pytest.mark.parametrize("case", CASES)
def test_the_rows_of_all_frames(case: str) -> None:
    frames = CASES[case]
    pd.testing.assert_frame_equal(concat_frames(frames), pd.concat(frames, ignore_index=True))


def test_the_result_is_no_view_of_the_frames() -> None:
    frames = [pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})]
    joined = concat_frames(frames)
    joined.iloc[0, 0] = 7
    assert frames[0].iloc[0, 0] == 1
