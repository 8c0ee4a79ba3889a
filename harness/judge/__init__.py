"""What observations mean: `compare` judges one, `diagnose` names a cause, `stored_run` streams a whole run.

`second_look` chooses the divergences that are asked a second time, and says which of them came again.
`documented_limits` holds the refusals that a backend documents; `model_summary` reads the text of
`model.summary()`. `rule_matching` evaluates many rules on a case, those that come to the same only once;
`fewest_causes` brings the causes of many findings down to the fewest.
"""
