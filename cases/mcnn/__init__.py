"""MCNN crowd counting: network, training, export, test set."""
