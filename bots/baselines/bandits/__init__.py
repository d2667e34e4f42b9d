"""Domains or clusters of tasks are the arms of a bandit."""
