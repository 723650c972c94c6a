"""How a service is run and looked after: process, command line, topics, parked records, topics against tables."""
