"""Graph of similarity poses and its optimisation."""
