"""The demonstration, and what `make install` and its sisters need: small programs around kubectl."""
