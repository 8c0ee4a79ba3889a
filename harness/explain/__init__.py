"""One case: the formula in words (`explanation`), the call as code, and pictures of the windows."""
