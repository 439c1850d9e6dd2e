"""The synthetic room: a rendered sequence with exact depth and poses."""
