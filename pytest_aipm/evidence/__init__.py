"""What checks share: groups, counts, scores, losses, rows. Each is computed once."""
