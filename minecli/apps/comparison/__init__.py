"""What comparisons of methods share: the request, one training per method with all seeds side by side, and tables."""
