"""Object stores behind the port `Blobs`: one instance is one bucket."""
