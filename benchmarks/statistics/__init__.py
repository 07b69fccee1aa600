"""Benchmarks of the statistics: how fast they are, and whether their intervals hold the truth."""
