"""What trains the networks, from recorded sequences with known poses."""
