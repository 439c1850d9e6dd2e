"""Training of the recurrent pose network, and its evaluation."""
