"""Self-supervised and supervised training of the depth network, and its evaluation."""
