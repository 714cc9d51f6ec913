"""The keys of one transcription server: which one is used next, which rest, which are no good any more."""

import logging
import threading
import time
from collections.abc import Sequence

_log = logging.getLogger("voxpersona.transcriber")


class Keys:
    """Used in turn by any number of threads. A throttled key rests, a refused one is set aside. None is ever shown."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Without any key the server is asked without one: the empty key stands for that."""
        self._rests_until = dict.fromkeys(keys or ("",), 0.0)
        self._refused: set[str] = set()
        self._turn = threading.Lock()

    def usable(self) -> list[str]:
        """Those that neither rest nor are set aside, in the order they were given."""
        with self._turn:
            now = time.monotonic()
            return [key for key, until in self._rests_until.items() if until <= now and key not in self._refused]

    def rest(self, key: str, seconds: float) -> None:
        """Leave the key alone for so long."""
        with self._turn:
            self._rests_until[key] = time.monotonic() + seconds

    def refuse(self, key: str) -> bool:
        """Set the key aside; whether any is left. Where none is, all are used again from now on: somebody may have seen
        to them by the time they are."""
        with self._turn:
            if key not in self._refused:
                self._refused.add(key)
                number, count = list(self._rests_until).index(key) + 1, len(self._rests_until)
                _log.warning("the transcription server refuses key %d of %d, which is set aside", number, count)
            if len(self._refused) < len(self._rests_until):
                return True
            self._refused.clear()
            return False

    def shortest_rest(self) -> float:
        """Seconds until one of those that are not set aside may be used again."""
        with self._turn:
            resting = [until for key, until in self._rests_until.items() if key not in self._refused]
        return max(min(resting, default=0.0) - time.monotonic(), 0.0)
