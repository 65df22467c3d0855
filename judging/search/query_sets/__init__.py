"""Query sets: read from files and pasted text, sampled from logs, changed and listed."""
