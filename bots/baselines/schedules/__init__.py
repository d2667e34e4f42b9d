"""Fixed or scheduled orders: from nothing, or from labels known beforehand."""
