"""What an operator does to a running service: create topics, judge parked records, bring topics in line with tables."""
