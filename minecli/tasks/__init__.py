"""Distributions whose mutual information is known, by name: truth for tests, benchmarks and sample files."""
