"""Hybrid search over passages: a derived index that can be built again from the archive at any time."""
