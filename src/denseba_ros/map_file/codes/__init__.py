"""Arrays of a keyframe as bytes and back; each says what the way costs."""
