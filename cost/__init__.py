"""What a deployment costs: the template's choices x a dated price list x a load."""
