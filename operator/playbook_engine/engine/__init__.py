"""Puts the rooms together: ``making`` assembles them, ``life`` starts and stops, ``watching`` and ``working`` go on."""
