"""The numbers of one run: parameters, patterns, start values, tables, measured curves."""
