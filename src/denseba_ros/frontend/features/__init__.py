"""Corner detection and optical flow."""
