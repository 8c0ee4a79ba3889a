"""From declarative TOML to cases.

`suites` reads and validates the files, whose keys are in `grids`; `expansion` turns a grid into cases, by
`lattices`, `cover_design` (from covering arrays) and products, `rotation` giving out what takes turns.
"""
