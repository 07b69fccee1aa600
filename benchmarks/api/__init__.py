"""What the API costs whoever waits for it."""
