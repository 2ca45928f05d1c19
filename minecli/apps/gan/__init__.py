"""Generative adversarial networks with a mutual-information term (paper, section 5.1)."""
