"""Solve rates are predicted from features of the tasks."""
