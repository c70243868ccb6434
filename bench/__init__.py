"""How it is measured: the pytest suite, the backends, the performance statistics."""
