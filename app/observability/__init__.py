"""What tells those who run the service how it does: log lines, counters, errors, the queue."""
