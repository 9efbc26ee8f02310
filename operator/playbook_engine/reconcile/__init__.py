"""One pass over one object: gather, decide, run, judge, write."""
