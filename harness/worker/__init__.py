"""The worker, which runs in a target's environment: it reads cases, calls Keras and replies with the result.

Self-contained: the standard library and NumPy, and Keras in `adapters/`. Parses on Python 3.6,
imports nothing else of the project, and is started by path. README.md documents the wire format.
"""
