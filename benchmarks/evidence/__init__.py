"""What each ingredient and each open choice is worth."""
