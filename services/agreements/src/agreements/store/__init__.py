"""Tables and every SQL statement of agreements, by what they are about."""
