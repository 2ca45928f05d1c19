"""The information bottleneck with a mutual-information term (paper, section 5.3)."""
