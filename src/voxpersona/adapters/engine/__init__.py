"""Durable execution of work orders."""
