"""From beliefs to a batch."""
