"""The denseba command, one file a subcommand."""
