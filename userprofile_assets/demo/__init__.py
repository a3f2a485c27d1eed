"""Embedded sources for a laptop: a generated access log and user table of the tutorial's shape."""
