"""The published selector, in an environment of its own, timed beside ours."""
