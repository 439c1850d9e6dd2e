"""What every node is made of: lifecycle, queue, worker, services, warnings."""
