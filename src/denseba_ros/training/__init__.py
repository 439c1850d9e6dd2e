"""Training of the networks on recorded sequences."""
