"""The commands of `s2i-backend`, one module for each group of them.

These modules import only click and declarations: what a command needs is imported when it runs,
so that `--help` answers at once.
"""
