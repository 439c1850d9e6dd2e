"""The rendered building: rooms and corridors in a loop, with exact depth and poses."""
