"""Figures and tables of evaluations, and the page that holds them."""
