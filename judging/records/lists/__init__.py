"""Rows of a corpus and ranked lists of a run, for all that brings results."""
