"""How well a map, its profile or a population of them is met."""
