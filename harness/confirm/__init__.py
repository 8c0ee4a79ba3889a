"""Check divergences independently: scripts that share no code with the worker repeat the diverging calls.

`script` assembles a script from the functions in `snippets/`, `calls` runs scripts in a target's environment,
`confirmations` decides whether their results show the divergence. A call by such a script is a call by hand.
"""
