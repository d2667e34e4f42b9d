"""Equal tuning for every strategy: trials, their scores, the search, and where it is kept."""
