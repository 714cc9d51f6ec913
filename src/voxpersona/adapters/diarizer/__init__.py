"""Who spoke when. `campplus` is the embedded default, `memory` says what a test tells it to."""
