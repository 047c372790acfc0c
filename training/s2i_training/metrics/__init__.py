"""How far pictures are from what they should be."""
