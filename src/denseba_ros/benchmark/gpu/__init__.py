"""Everything of this project that needs a GPU, part by part, each in a process of its own."""
