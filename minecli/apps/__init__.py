"""The applications of the paper's section 5."""
