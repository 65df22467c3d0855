"""Searching: endpoints, query sets, query templates, and the evaluation runs that are executed with them."""
