"""minecli: mutual information between column groups of a table, with a reason to believe the number or not."""

__version__ = "0.1.0"
