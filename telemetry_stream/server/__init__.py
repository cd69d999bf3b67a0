"""What is served, and to whom."""
