"""A claim is checked without us: scripts that share no code with the worker make the diverging calls again.

`script` puts a script together of the functions in `snippets/`, `calls` runs scripts in a target's
environment, `confirmations` says whether what they show is the divergence.
"""
