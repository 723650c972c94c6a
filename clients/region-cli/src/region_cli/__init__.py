"""`vf-region`: check, convert and push a region's agreements."""
