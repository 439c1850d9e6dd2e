"""``denseba benchmark``: how fast and how exact this machine runs the system and its parts."""
