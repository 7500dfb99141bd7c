"""Tables as text: lines, dialects, cells, and what each kind of file adds to that."""
