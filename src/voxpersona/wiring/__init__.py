"""The only place that knows which adapter stands behind which port."""

from voxpersona.wiring.house import LANGUAGES, House, file_system_of
from voxpersona.wiring.store import Room, Store

__all__ = ["LANGUAGES", "House", "Room", "Store", "file_system_of"]
