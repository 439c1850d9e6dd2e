"""A node at the camera's rate, as a robot hears it: processes over DDS, without lockstep."""
