"""`python -m s2i_training`, which is what `accelerate launch -m` needs."""

from s2i_training.cli import main

main()
