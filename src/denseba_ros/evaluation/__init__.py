"""Result files of a run, and their evaluation against ground truth."""
