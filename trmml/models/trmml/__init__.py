"""TRM-ML (Ma et al., ACM Multimedia 2024): the reference model, and how it is trained."""
