"""Where inertial estimation begins: clocks, axes, scale, gravity, velocities and biases."""
