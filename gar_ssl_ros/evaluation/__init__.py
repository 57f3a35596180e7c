"""Scenes whose truth is known, and how a localizer does on them."""
