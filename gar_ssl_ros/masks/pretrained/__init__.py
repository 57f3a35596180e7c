"""SAM, SAM 2 and SAM 3 of the transformers library, from a folder of the user's. Needs torch."""
