"""The plugin's widgets. They show what the model holds, and hold nothing themselves."""
