"""The names of targets: the list of them (`catalog`), selection from it (`selection`), and their variants."""
