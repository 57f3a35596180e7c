"""A network that hears with two ears: what sounds, from which direction and how far away."""

NEEDED = ("torch", "transformers", "safetensors", "peft")  # to ask one: the extra `questions` brings them
