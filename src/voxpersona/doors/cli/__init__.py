"""The command line: everything the system can do, scriptable. Run `voxpersona --help`."""

from voxpersona.doors.cli.app import main

__all__ = ["main"]
