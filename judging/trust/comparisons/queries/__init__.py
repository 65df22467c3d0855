"""Two evaluation runs query by query: their lists, values, ranges, and one query side by side."""
