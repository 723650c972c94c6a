"""The roles that tokens carry (claim `roles`); which of them may do what, each service's policy says."""

from enum import StrEnum


class Role(StrEnum):
    """One kind of caller."""

    NAVIGATOR = "navigator"
    """Vårdlots: reads everything published."""
    AGREEMENT_ADMIN = "agreement-admin"
    """Works with the own region's agreements."""
    AGENCY_REVIEWER = "agency-reviewer"
    """The second gate."""
    PROVIDER = "provider"
    ANALYST = "analyst"
    OPERATOR = "operator"
    REGION_SYSTEM = "region-system"


READERS = frozenset(Role)
"""Everybody who may read what is published."""

SEES_TERMS = READERS - {Role.PROVIDER, Role.ANALYST, Role.OPERATOR}
"""Who works for a region or the agency with agreements. Terms and prices are for them: providers never see each
other's, and whoever runs the system needs none."""
