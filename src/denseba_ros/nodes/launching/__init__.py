"""What the launch files decide: parameters and topics from the arguments of a launch."""
