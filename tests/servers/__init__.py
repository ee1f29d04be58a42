"""What the tests talk to: real servers on this machine, started for one run and ended with it."""
