"""How well speech is recognised and speakers are told apart, beside the engines alone."""
