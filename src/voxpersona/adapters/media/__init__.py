"""The decoder: what a file holds is found out from its bytes, and its sound becomes 16 kHz mono."""

from voxpersona.adapters.media.pcm import PcmSound
from voxpersona.adapters.media.pyav import PyAVMedia

__all__ = ["PcmSound", "PyAVMedia"]
