"""Evaluation runs that Releval executes itself, search by search."""
