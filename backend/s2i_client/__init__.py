"""What a host needs to talk to the s2i daemon: standard library, pyzmq and msgpack only."""

__version__ = "0.1.0"
