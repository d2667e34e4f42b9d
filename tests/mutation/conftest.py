collect_ignore = ["mutate.py"]  # a command; it needs Cosmic Ray
