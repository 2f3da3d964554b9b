"""Drills: what breaks clusters, done to a live one under load, and a row of figures kept of each.

``make drill`` runs those that this commit has no row of yet.
"""
