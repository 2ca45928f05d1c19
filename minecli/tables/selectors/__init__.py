"""What a person types to name columns and rows."""
