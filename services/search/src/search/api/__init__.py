"""Words of HTTP in, one call to the service, words out."""
