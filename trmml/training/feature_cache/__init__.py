"""Dense features of a frozen image tower, computed once and kept on disk."""
