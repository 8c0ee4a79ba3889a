"""The history of each family over its versions: which divergences appear when, and the rule of `same`.

`versions` orders the targets, `changes` and `same_rules` analyse their findings, `gather` combines the
results per family, and `write` writes the files.
"""
