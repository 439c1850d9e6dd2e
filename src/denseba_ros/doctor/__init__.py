"""Checks of a machine: each says what it found and, when that is bad, how to mend it."""
