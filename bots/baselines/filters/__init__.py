"""Tasks are rolled out first, and groups kept or dropped afterwards."""
