"""What the pixels of images show: their range, and whether they show anything."""
