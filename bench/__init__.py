"""Benchmarks: ratios and rates of one run on one machine, never a test."""
