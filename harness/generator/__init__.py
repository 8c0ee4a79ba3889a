"""From declarative TOML to cases and their exact data.

`library` reads and validates the files, `design` turns a grid into cases, `facets` computes what is
special about a case, `coverage` counts, `signals` makes the inputs and weights.
"""
