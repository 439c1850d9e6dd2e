"""What the exit status of a command says."""

DONE = 0
FAILED = 1
"""The command did its work, and the result is bad: a check failed, a bar was not met."""
WRONG_USE = 2
"""A mistake that the user can mend, said in one line."""
NO_MAP = 3
"""The images were read, but none of them had a measured pose: no map was started."""
INTERRUPTED = 130
"""Stopped by Ctrl-C."""
