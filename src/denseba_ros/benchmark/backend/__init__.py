"""Time of the bundle adjustment of one window, against the machine and other solvers."""
