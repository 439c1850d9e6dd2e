"""Checks of a recording before it is run: each says what is wrong and how to record it better."""
