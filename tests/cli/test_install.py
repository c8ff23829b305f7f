"""`cauce install delta-client`."""

from types import SimpleNamespace

import pytest

from cauce.cli import install


@pytest.fixture
def commands(monkeypatch):
    """What would be run, instead of running it."""
    found = []
    monkeypatch.setattr(
        install.subprocess, "run", lambda words: found.append(words) or SimpleNamespace(returncode=0)
    )
    return found


def test_the_official_client_comes_without_full_pyspark(monkeypatch, commands, capsys):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: name == "pip" or None)
    assert install.main(["delta-client"]) == 0
    assert commands[0][1:] == ["-m", "pip", "install", "--no-deps", install.DELTA_CLIENT]
    assert "from delta.tables import DeltaTable" in capsys.readouterr().out


def test_nothing_happens_if_it_is_there(monkeypatch, commands, capsys):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: object())
    assert install.main(["delta-client"]) == 0
    assert commands == []


def test_other_names_are_refused(commands):
    with pytest.raises(SystemExit):
        install.main(["hadoop"])
