"""What is measured: deliverables, test sets, preprocessing, gates and baselines."""
