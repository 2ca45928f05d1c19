"""What made samples are measured by."""
