"""Who said what in a debate, for how long, and how they treated each other."""
