"""The report of a run as one HTML file: everything in it, nothing from elsewhere. `write.write` makes it."""
