"""Spatial questions with truth: scenes that are rendered and recorded, the questions about them, and who answers."""
