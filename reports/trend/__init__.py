"""A folder of runs over time: figures, where they changed, and what changed beside them."""
