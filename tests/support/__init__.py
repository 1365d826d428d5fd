"""What several test files share: builders, references, small models, models drawn at random."""
