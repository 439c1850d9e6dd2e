"""What is timed, and against what; the core never imports this."""
