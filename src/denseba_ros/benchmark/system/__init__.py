"""Speed, memory and recovery of the whole system on a sequence."""
