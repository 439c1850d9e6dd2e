"""What the exit status of a command says."""

DONE = 0
FAILED = 1
"""The command did its work, and the result is bad: a check failed, a bar was not met."""
WRONG_USE = 2
"""A mistake that the user can mend, said in one line."""
INTERRUPTED = 130
"""Stopped by Ctrl-C."""
