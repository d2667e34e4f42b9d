"""Every task is judged by its own past results."""
