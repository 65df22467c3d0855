"""What is sent to a search engine, and how its answers are read. Pure: no Django, no models."""
