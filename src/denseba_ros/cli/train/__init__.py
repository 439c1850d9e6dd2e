"""``denseba train``: trains the networks."""
