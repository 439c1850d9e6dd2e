"""Training of the recurrent pose network."""
