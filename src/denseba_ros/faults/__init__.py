"""Fault injection: real node processes over DDS with a camera that has faults."""
