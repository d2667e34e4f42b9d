"""Whether a simulation fitted to one run predicts what other strategies do to a real model."""
