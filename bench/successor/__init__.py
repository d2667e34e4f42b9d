"""What `residual-memory` is worth: its suites, tables and pictures."""
