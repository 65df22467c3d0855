"""How well grades agree: coefficients from per-query tables, their intervals, people among themselves."""
