"""A region's own interface: where it is, how its door is opened, and what its pages say in our words."""
