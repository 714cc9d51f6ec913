"""Make a recording of any length by repeating the sample.

python -m benchmarks.sound SECONDS TARGET.ogg
"""

import sys

import av

from voxpersona import samples

_FRAME = 960  # samples: 20 ms, Opus's own


def main(seconds: float, target: str) -> None:
    """Write Ogg/Opus at 32 kbit/s, as a voice message has it, decoding the sample again and again: flat memory."""
    source = str(samples.__path__[0]) + "/en_interview_two_speakers.ogg"
    with av.open(target, "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 32_000
        fifo = av.AudioFifo()
        written = 0
        while written < seconds * 48_000:
            with av.open(source) as container:
                for frame in container.decode(audio=0):
                    frame.pts = None
                    fifo.write(frame)
                    while (part := fifo.read(_FRAME)) is not None:
                        part.pts = written
                        written += part.samples
                        output.mux(stream.encode(part))
        output.mux(stream.encode(None))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
