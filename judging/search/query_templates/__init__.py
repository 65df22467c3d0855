"""Query templates: settings that every change turns into an immutable version, checked against query sets."""
