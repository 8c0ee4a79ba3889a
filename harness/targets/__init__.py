"""Naming targets: the list of them (`catalog`), selecting from it (`selection`), and their variants."""
