"""Handlebars templates that people write, bounded: for prompts, and for what is asked of search engines. Pure."""
