"""Searching: endpoints, query sets, query templates, and the runs that ask an endpoint."""
