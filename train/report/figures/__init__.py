"""Figures of a report: arrays in, a matplotlib `Figure` out, each in one module by its subject."""
