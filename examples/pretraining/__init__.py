"""What `pretrain_tiny.py` is made of."""
