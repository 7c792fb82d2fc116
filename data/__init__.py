"""Simulated galaxies, from particles to maps of seven domains."""
