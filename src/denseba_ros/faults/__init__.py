"""Fault injection: real node processes over DDS, and what they make of a camera that misbehaves."""
