"""Code objects of our own, where Brian2's templates do not do what is needed."""
