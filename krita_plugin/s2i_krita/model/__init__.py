"""What the plugin knows and does: observable state, without widgets and without Krita's classes."""
