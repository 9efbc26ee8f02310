"""From what happens in the cluster to what the queue is asked for."""
