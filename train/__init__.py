"""Training and evaluation of the translators."""
