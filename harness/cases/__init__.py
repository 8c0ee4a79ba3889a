"""From declarative TOML to cases.

`suites` reads and validates the files, whose keys are defined in `grids`; `expansion` expands a grid to
cases, by `lattices`, `cover_design` (from covering arrays) and products, while `rotation` distributes the
values of attributes under `turn`. `suite_cache` caches expanded suites until the files or the code change.
"""
