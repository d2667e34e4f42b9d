"""Compares selection strategies: `python -m bench --help`."""
