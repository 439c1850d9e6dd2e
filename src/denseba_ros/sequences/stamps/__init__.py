"""Which stamps are believed, in which unit they are, and what is left out by them."""
