"""Writes the files that are made from others: the CRD, the roles' argument specs and the roles' READMEs."""
