"""The transcribe image: from a media file to a transcript."""
