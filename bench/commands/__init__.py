"""The commands of `omgate`, a file each."""
