"""Blobs in any store that speaks S3: MinIO, SeaweedFS and their like. One instance is one bucket.

connection.py makes the clients, edge.py turns their errors into ours, blobs.py is the port. obstore moves the bytes,
boto3 does what obstore cannot: resumable uploads, exact listings, copies with new labels, links with a name.
"""
