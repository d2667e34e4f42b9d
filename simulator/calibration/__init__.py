"""Scenarios fitted to logs of real runs, and judged by them."""
