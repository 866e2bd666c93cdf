"""certsvc: a registry of electronic licenses (电子证照) under one number per holder."""

__version__ = "0.1.0"
