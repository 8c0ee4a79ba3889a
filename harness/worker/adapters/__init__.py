"""The only code that touches Keras: one module for each generation of its API.

`apis` imports Keras, `observing` holds what a case goes through, `keras1`, `keras2` and `keras3` say
how each step is spelled, and the rest is what they share.
"""
