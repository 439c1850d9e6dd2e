"""Subscriptions: images, camera_info, TF, and the checks of what they bring."""
