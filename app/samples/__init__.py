"""Synthetic data: for the demo, and for trying things at scale. No person in it exists."""
