"""VoxPersona: spoken evidence, kept, transcribed, reported on and answered from, on your own machine."""

import os

__version__ = "0.1.0"

# Nothing leaves the machine unless a setting of ours says so. Official builds of ONNX Runtime report to their maker by
# default since 2026 and write a device id to the user's cache; this is read once, when it is first loaded, so it
# stands here, before anything else. The hub client would count its calls; LanceDB and DBOS send nothing by themselves.
for _quiet in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ[_quiet] = "1"
