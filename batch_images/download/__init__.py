"""The download image: from a URL to a recording in the bucket."""
