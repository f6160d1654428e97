"""Charge points and connectors, as their sites last described them."""
