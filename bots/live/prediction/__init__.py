"""What is said about tasks that were not measured."""
