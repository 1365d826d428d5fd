"""What a run leaves, and how results compare; without Brian2."""
