"""Contact ways by purpose. Telephone numbers come only from the ranges kept free for fiction."""

from contracts.message import Channel, Contact, Purpose

_FICTION = (
    *(f"031-390 06 {last:02d}" for last in range(50)),
    *(f"040-628 04 {last:02d}" for last in range(50)),
    *(f"08-465 004 {last:02d}" for last in range(100)),
    *(f"0980-319 {last}" for last in range(200, 300)),
    *(f"070-174 06 {last:02d}" for last in range(5, 100)),
)


def phone(order: int) -> str:
    """A telephone number that nobody has; they repeat after 395."""
    return _FICTION[order * 7 % len(_FICTION)]


def unit_contacts(suffix: str, order: int) -> tuple[Contact, ...]:
    """A unit's own contact ways."""
    return (
        _contact(Purpose.GENERAL, Channel.PHONE, phone(order), "Vardagar 8–16"),
        _contact(Purpose.BROKERAGE, Channel.EMAIL, f"vardlots.{suffix.lower()}@vard.example", None),
        _contact(Purpose.PATIENT, Channel.WEB, f"https://vard.example/{suffix.lower()}", None),
    )


def service_contacts(suffix: str, order: int) -> tuple[Contact, ...]:
    """Contact ways for one service: where the referral and the payment commitment go."""
    return (
        _contact(Purpose.REFERRAL, Channel.PHONE, phone(order + 3), "Remisskoordinator"),
        _contact(Purpose.PAYMENT_COMMITMENT, Channel.EMAIL, f"betalning.{suffix.lower()}@vard.example", None),
    )


def _contact(purpose: Purpose, channel: Channel, value: str, note: str | None) -> Contact:
    return Contact(purpose=purpose.value, channel=channel.value, value=value, note=note)
