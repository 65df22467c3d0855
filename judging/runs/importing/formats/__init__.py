"""What the files of an import can be: one module for each family of formats, and the one table of them."""
