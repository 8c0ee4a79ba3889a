"""What observations mean: `compare` judges one, `diagnose` names a cause, `judge` streams a stored run.

`limits` holds the refusals that a backend documents; `summary` reads the text of `model.summary()`.
"""
