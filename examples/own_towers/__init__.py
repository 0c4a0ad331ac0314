"""A frozen pair of towers from two packages: what `examples/own_encoders.py` is made of."""
