"""The method itself, pure Python and NumPy: boxes, stages, consensus, gate, pipeline."""
