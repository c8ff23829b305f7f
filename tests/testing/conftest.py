"""The fixture that users get from the plugin, on the session that the other tests use."""

from cauce.pytest_plugin import stream_test

__all__ = ["stream_test"]
