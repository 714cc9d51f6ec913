"""A line to a server that is some milliseconds away: every byte comes through, each way that much later.

    python -m benchmarks.distance PORT MILLISECONDS      (prints its own port, and runs until its input ends)

In a process of its own, so that it takes no turn from what is measured.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

_PART = 1 << 18


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        while part := await reader.read(_PART):
            on_the_way.put_nowait((loop.time() + seconds, part))
        on_the_way.put_nowait((loop.time() + seconds, b""))

    reading = asyncio.create_task(read())
    with closing(writer), suppress(ConnectionError):
        while True:
            due, part = await on_the_way.get()
            await asyncio.sleep(due - loop.time())
            if not part:
                break
            writer.write(part)
            await writer.drain()
    await reading


async def _serve(port: int, seconds: float) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, there_writer, seconds), _carry(there_reader, writer, seconds))

    server = await asyncio.start_server(meet, "127.0.0.1", 0, limit=4 * _PART)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def far_away(port: int, milliseconds: float) -> Iterator[int]:
    """The port of a line to the server at `port` on this machine, `milliseconds` away: half of it each way."""
    command = [sys.executable, "-m", "benchmarks.distance", str(port), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as line:
        assert line.stdout is not None
        assert line.stdin is not None
        try:
            yield int(line.stdout.readline())
        finally:
            line.stdin.close()
            line.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 2000))
