"""From a keyframe to loops that are closed: candidates, and the ladder that refuses them."""
