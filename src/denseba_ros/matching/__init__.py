"""Learned matches between two images, what they are worth, and the motion they tell."""
