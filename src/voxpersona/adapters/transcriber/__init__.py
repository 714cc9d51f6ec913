"""Speech to text: Whisper or a model of onnx-asr on this machine, any OpenAI-compatible server, a script for tests."""
