"""Training of the weights of matches through the minimal solver."""
