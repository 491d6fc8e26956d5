"""TOML with whatever reader this Python has: its own since 3.11, else one that pip or setuptools bring."""

import importlib

READERS = ("tomllib", "tomli", "pip._vendor.tomli", "setuptools._vendor.tomli", "setuptools.extern.tomli")


class NoReader(Exception):
    """No module of READERS is there."""


def load_toml(path):
    for name in READERS:
        try:
            reader = importlib.import_module(name)
        except ImportError:
            continue
        with open(path, "rb") as f:
            return reader.loads(f.read().decode("utf-8-sig"))
    raise NoReader()
