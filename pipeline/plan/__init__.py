"""What each stage will cost, before anything runs."""
