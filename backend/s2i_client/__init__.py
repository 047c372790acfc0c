"""What a host needs to talk to the s2i daemon: standard library, pyzmq and msgpack only."""
