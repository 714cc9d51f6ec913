"""VoxPersona: spoken evidence, kept, transcribed, reported on and answered from, on your own machine."""

__version__ = "0.1.0"
