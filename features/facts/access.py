"""Access: sessions, changes of credentials, and sessions from listed countries."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table

CREDENTIAL_EVENTS = ("password_change", "password_reset", "two_factor_reset", "email_change", "phone_change")
CONCEALING = ("vpn", "proxy", "tor")


def _sessions() -> ir.Table:
    sessions = activity_table("sessions")
    return sessions.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.session_id,
        enters=_.event.isin(("signup", "login")),
        ip=_.ip,
        network=ibis.coalesce(_.asn, _.ip_country + ":" + _.asn_type),
        country=_.ip_country,
        device_id=_.device_id,
        hosting=_.asn_type == "hosting",
        mobile=_.asn_type == "mobile",
        concealed=_.vpn | _.anonymiser.isin(CONCEALING).fill_null(False),
        scripted=_.headless | _.emulator.fill_null(False),
    )


def _listed_sessions() -> ir.Table:
    sessions = activity_table("sessions")
    countries = activity_table("watchlist").filter(_.kind == "country")
    joined = sessions.inner_join(
        countries,
        [
            sessions.ip_country == countries.value,
            sessions.ts >= countries.effective_from,
            countries.effective_to.isnull() | (sessions.ts < countries.effective_to),
        ],
    )
    return joined.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=ibis.greatest(_.known_from, _.known_from_right),
        known_until=NEVER_ENDS,
        row_id=_.session_id,
        prohibited=_.list == "prohibited_country",
        watched=_.list == "edd_country",
    )


def _security() -> ir.Table:
    return activity_table("security_events").select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.event_id,
        credential=_.event.isin(CREDENTIAL_EVENTS),
        second_factor=_.event == "two_factor_bind",
        new_address=_.event == "withdrawal_address_added",
        failed=_.event == "failed_login",
    )


SESSIONS = Fact("sessions", "a session", _sessions(), "sessions")
LISTED_SESSIONS = Fact("listed_sessions", "a session from a listed country", _listed_sessions(), "sessions")
SECURITY = Fact("security", "a security event", _security(), "security_events")
