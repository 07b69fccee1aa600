"""The demo debate: a recording whose every word and moment is known."""
