"""keras-harness: does every Keras pad as the formulas say?"""

__version__ = "0.1.0"
