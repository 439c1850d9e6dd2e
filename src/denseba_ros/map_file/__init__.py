"""The map in one SQLite file: keyframes, poses, edges, and what each run was made with."""
