"""How strong a suite is: pretended targets, each wrong in one known way, and which cases catch them."""
