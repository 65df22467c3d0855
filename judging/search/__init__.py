"""Searching: the endpoints that answer, what they are asked, and the runs made of their answers."""
