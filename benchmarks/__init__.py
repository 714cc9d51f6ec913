"""Speed, side by side in the same run; results are committed as JSON with the machine noted."""
