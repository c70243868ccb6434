"""Two runs held against each other: what differs between them, and so what may be concluded; accuracy, speed, statistics logs."""
