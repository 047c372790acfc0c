"""Building and installing the add-ons for Krita and Blender."""
