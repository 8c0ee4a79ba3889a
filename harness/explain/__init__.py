"""One case: what the formula says in words (`explanation`), the call as code, and pictures of the windows."""
