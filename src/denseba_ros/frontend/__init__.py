"""What happens to every image before the backend sees it: depth, motion, matches."""
