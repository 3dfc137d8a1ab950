"""Names of time zones: what Python alone would open, or PostgreSQL alone, is none."""

import pytest

from schemas.time_zones import TimeZoneError, zone


@pytest.mark.parametrize("name", ["UTC", "Asia/Shanghai", "America/Argentina/Ushuaia", "Etc/GMT+8"])
def test_a_zone_of_the_iana_database_is_one(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    "name",
    ["Factory", "localtime", "posixrules", "right/UTC", "posix/Asia/Shanghai", "CST-8", "GMT+8",
     "asia/shanghai", "../UTC", "/etc/localtime", "Mars/Olympus", "", "Asia"],
)  # fmt: skip
def test_all_else_is_refused_by_name(name: str) -> None:
    with pytest.raises(TimeZoneError, match="give an IANA name such as Asia/Shanghai"):
        zone(name)
