"""What the commands of `python -m bench` take, do and print; one module each."""
