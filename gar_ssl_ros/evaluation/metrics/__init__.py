"""How answers are scored: as GAR scores them, source by source, and as heat maps are scored. Pure NumPy."""
