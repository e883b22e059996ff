"""What the exercises ask, one module per exercise; each defines ``EXERCISE``."""
