"""What the deliverable's finished programs printed (Mcnn, main.py), read as results."""
