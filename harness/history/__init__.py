"""Over the versions of each family: which divergences came and went, and by which rule `same` is read.

`versions` puts targets in order, `changes` and `same_rules` gather what is found of them, `gather` a family's
history, which `write` makes files of.
"""
