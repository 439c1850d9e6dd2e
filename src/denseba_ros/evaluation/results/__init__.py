"""The result files of a run, and plots of them."""
