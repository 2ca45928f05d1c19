"""The version of the program, for whoever stores or shows it."""

__version__ = "0.1.0"
