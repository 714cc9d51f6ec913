"""A recording to try things with, and the truth about it; SAMPLES.md has its origin and licence."""
