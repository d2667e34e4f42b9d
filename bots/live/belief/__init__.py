"""What is believed of every task, folded by class."""
