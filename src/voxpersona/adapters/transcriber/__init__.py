"""Speech to text: Whisper on this machine, any OpenAI-compatible server, and a script for tests."""
