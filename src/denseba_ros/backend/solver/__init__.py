"""Bundle adjustment of the window: normal equations, Schur complement, steps; L-BFGS."""
