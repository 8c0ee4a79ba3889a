"""From declarative TOML to cases and their data.

`library` reads and validates the files, whose keys are in `grids`; `design` turns a grid into cases, by
`lattices`, `covers` (arrays of `covering`) and products, `turns` giving out what takes turns. `facets`
computes what is special about a case, `coverage` counts. `signals` makes the inputs and weights, as large as
`amplitudes` allow, from `draws`.
"""
