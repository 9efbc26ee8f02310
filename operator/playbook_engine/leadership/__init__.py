"""Which of several processes makes passes: a Lease, as client-go's leader election uses it."""
