"""Training of place recognition: centres and axes of VLAD, and the score that a place must have."""
