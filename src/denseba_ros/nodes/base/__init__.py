"""What every node is made of: lifecycle, image pipeline, services, warnings."""
