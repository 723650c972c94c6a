from datetime import date

import pytest

from demo.sweden import Sweden, build

TODAY = date(2026, 3, 15)


@pytest.fixture(scope="session")
def sweden() -> Sweden:
    return build(1, TODAY)
