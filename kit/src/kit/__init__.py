"""Plumbing that must be identical in every service to be correct. Small tools, no framework, no word of care."""
