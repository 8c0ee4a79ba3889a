"""From declarative TOML to cases.

`suites` reads and validates the files, whose keys are in `grids`; `expansion` turns a grid into cases, by
`lattices`, `cover_design` (from covering arrays) and products, `rotation` giving out what takes turns.
`suite_cache` keeps what came of it, for as long as neither the files nor the code change.
"""
