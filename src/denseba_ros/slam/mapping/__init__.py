"""The local map: new keyframes, their depth and tracks, adjustment, marginalisation."""
