"""HTTP for small JSON services of our own: connections and bodies are bounded, an answer leaves in one send."""
