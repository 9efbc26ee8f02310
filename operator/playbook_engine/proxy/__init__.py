"""The way of a run to the API server: an HTTPS server on loopback that knows for whom each request is made."""
