"""Real parts that tests start themselves: servers, databases, processes."""
