"""The stats image: from a transcript to its statistics."""
