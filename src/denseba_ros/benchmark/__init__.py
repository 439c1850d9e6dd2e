"""Benchmarks of the backend, the solvers and the whole system; the core never imports this."""
