"""Composition root: the only place that picks concrete adapters and knows every floor of the house."""
