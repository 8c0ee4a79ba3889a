"""The only code that touches Keras: one module for each generation of its API.

`apis` imports Keras, `observing` runs a case through its stages, `keras1`, `keras2` and `keras3` say
how each step is written there, and the other modules hold what they share.
"""
