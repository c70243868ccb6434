"""Registers omgate's pytest plug-in; everything else is in bench/plugin.py."""

pytest_plugins = ["bench.plugin"]
