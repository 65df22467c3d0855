"""Search endpoints for several subjects: how each is reached, and its limits."""
