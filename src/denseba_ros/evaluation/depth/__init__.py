"""Evaluation of depth against ground truth."""
