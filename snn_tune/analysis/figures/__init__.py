"""The figures of a report, one module for each kind: drawn from what the trials logged, nothing is computed again."""
