"""Audio messages of every family as sound."""
