"""The far side of `Sandbox`: a process that confines programs, runs them and reports.

It imports the standard library alone and runs without the checkout on its path.
"""
