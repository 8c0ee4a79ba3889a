"""What observations mean: `compare` judges one, `diagnose` names a cause, `stored_run` judges a whole run.

`differences` finds what is wrong with an answer, `consistency` compares the answers of modes and targets.
`second_look` selects the divergences that are run a second time, and decides which were reproduced.
`documented_limits` reads the limits that a backend documents, `model_summary` the text of `model.summary()`.
`rule_matching` evaluates many rules on a case, rules with equal computations only once; `fewest_causes`
reduces the causes of many findings to the fewest.
"""
