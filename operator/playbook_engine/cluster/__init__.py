"""The API server: reads, server-side apply, JSON patches, events and discovery, over plain JSON objects."""
