"""Krita's entry: the plugin that lets a test drive this Krita. See `driver.py`."""

from .driver import install

install()
