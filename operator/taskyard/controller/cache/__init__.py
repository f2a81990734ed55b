"""What the operator remembers between its looks at the cluster: views of the objects, and what it has done itself."""
