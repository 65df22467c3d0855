"""Reading files without holding them: how they begin, tables, JSON, names as people spell them, rows put aside on disk."""
