"""The docker's widgets. They show the model and call its commands, and import nothing of Krita."""
