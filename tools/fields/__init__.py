"""What each field of a SemanticRouter changes: every path of the definition, set and compared, as a table."""
