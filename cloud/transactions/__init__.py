"""Charging transactions and their meter values, as the sites reported them."""
