"""Two runs, judging runs or judge versions against each other."""
