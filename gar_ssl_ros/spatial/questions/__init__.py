"""Questions about what is heard and seen: their forms, words, and how they are answered by geometry and rules."""
