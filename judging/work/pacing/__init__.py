"""How fast to ask: limits that lanes share, concurrency that gives way, and when failures add up to an outage."""
