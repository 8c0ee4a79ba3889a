"""Runs inside a target's environment: reads cases, calls Keras, replies with what happened.

Self-contained: the standard library and NumPy, and Keras in `adapters/`. Parses on Python 3.6,
imports nothing else of the project, and is started by path. README.md documents the wire format.
"""
