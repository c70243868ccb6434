"""What came out: run records, statistics, verdicts and baselines."""
