"""The model of "Hear You Are": it looks at a panorama, listens with two ears, and answers questions in words."""

NEEDED = ("torch", "transformers", "safetensors", "peft")  # to ask one: the extra `questions` brings them
