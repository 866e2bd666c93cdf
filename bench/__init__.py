"""Measures of speed; `make bench` prints them. Nothing here is a test: a slow machine fails nothing."""
