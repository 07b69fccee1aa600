"""The laptop: a local AWS, the jobs beside it, and the one origin a browser sees."""
