"""How fast a backend is: one image in flight, several, a sweep; by the worker's own clock, the warm-up found and left out."""
