"""Whether there need be a model, whether it is worth it, and whether promises are kept."""
