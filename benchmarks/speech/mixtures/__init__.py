"""Conversations made of real speech of one speaker at a time, true by construction."""
