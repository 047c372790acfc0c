"""One evaluation per system: the tables of its model card, on held-out data."""
