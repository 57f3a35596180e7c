"""Small trained models, each behind one protocol: faces, objects, audio tags, who speaks."""
