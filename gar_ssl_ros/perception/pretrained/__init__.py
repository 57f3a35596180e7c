"""Models of the transformers library from a folder of the user's, as detectors and taggers. Needs torch."""
