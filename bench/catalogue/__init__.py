"""How fast a whole catalogue is synced and announced, beside the bare reading of its pages and the bare sending."""
