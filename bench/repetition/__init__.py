"""What repeating a task costs, measured on a real model."""
