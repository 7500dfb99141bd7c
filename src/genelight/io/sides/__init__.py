"""Which side of a table is which, and what on it is neither sample nor gene."""
