"""Analyses: query templates against a baseline, by how alike their lists are."""
