"""Running the service's programs on this machine: one after another, watched over, and never left behind."""
