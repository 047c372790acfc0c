"""One training recipe per system, each readable from top to bottom."""
