"""How strong a suite is: simulated targets, each wrong in one known way, and which cases catch them."""
