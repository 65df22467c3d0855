"""What subjects share of searching."""
