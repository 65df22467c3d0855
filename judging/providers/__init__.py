"""AI providers: one door per vendor, the same answers and errors from each."""
