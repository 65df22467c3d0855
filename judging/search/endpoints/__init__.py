"""Search endpoints: made, changed, tried on the bench."""
