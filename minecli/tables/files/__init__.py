"""Files of any format, and tables behind URLs, as Arrow columns."""
