"""Environments of targets: built, checked and started here.

`layout` says what has to be built, `build` builds it with `uv`, `prepare_many` does so for many targets;
`variables` are those of a target's process, `launch` says how its worker starts, `cache` manages what is
built.
"""
