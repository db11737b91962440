"""How many GPUs, replicas and nodes so many listeners need, and what gives way first."""
