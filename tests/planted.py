"""Small inputs with known truth, shared by tests of every room."""
