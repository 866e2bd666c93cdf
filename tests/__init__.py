"""Tests of certsvc, the oracles they check against, and the demo."""
