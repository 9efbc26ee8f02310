"""Every setting of the engine: what it is (``table``), what may be given (``forms``), how it is read (``reading``)."""
