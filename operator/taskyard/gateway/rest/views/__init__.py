"""Objects as the REST API shows them: the vocabulary of the Coder Tasks API. Pure over the cache."""
