"""Probes: whether a judge falls for small traps. Asked in calls of their own, never judgments, never in metrics."""
