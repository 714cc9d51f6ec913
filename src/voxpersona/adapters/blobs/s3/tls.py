"""Whether somebody who was spoken to plainly would rather speak TLS.

Servers written in Go say so in words and hang up; the words get lost as often as not, with the rest of the connection.
"""

import socket
import ssl
from urllib.parse import urlsplit

from voxpersona.adapters.blobs.s3.connection import Connection


def speaks_tls_after_all(connection: Connection) -> bool:
    """Whether a plain endpoint answers a TLS greeting. Nothing is sent but the greeting; nobody is trusted for it."""
    address = urlsplit(connection.endpoint)
    if address.scheme != "http" or address.hostname is None:
        return False
    greeting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    greeting.check_hostname = False
    greeting.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address.hostname, address.port or 80), connection.connect_timeout) as plain,
            greeting.wrap_socket(plain),
        ):
            return True
    except OSError:  # also every error of TLS
        return False
