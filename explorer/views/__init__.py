"""What a person sees of a session: maps, steps, words."""
