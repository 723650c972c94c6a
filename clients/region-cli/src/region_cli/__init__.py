"""`vf-region`: what a region runs to check, convert, push and watch its agreements."""
