"""What observations mean: `compare` judges one, `diagnose` names a cause, `judge` streams a stored run.

`again` chooses the divergences that are asked a second time, and says which of them came again.
`limits` holds the refusals that a backend documents; `summary` reads the text of `model.summary()`.
Over the versions of a family (`versions`): `changes` finds which divergences came and went, `cover` brings
their causes down to the fewest, `readings` finds the rule that explains what a target makes of `same`.
`answers` evaluates many rules on a case, those that come to the same only once.
"""
