"""What the plugin knows of Krita: documents, layers, colors, and what is put into them.

Only these files import `krita`. Everything here is called on the GUI thread. Long work is a
generator (`Steps`) that gives the event loop back after every few milliseconds.
"""
