"""The door by which a user's numbers, tables and arguments come in: converted, typed, or refused."""
