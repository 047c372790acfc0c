"""`python -m s2i_backend` is `s2i-backend`."""

from s2i_backend.cli import main

if __name__ == "__main__":
    main(prog_name="s2i-backend")
