"""Which of the earlier images shows this place: one descriptor an image, and the search in them."""
