"""A network that hears with two ears: what sounds, from which direction and how far away."""
