"""Training of the network that weights matches, through the minimal solver."""
