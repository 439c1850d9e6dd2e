"""The commands on saved maps."""
