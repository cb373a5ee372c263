"""Where row passes run. A pass is ``partial(batch)`` for every batch and ``merge`` of the parts."""
