"""Loaded before any test: members whose folder has their package's name are imported before pytest can take the folder
itself for a package of that name."""

import contracts
import demo
import engines
import kit
import rules

MEMBERS = (contracts, demo, engines, kit, rules)
