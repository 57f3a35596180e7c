"""Rendered scenes whose truth is known."""
