"""The daemon as the plugin sees it: the connection, and starting or installing it."""
