"""The outside sources, one file each: what they say, as facts in our words."""
