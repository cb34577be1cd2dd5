"""Access: sessions with where they came from, changes of credentials, sessions and orders from listed countries."""

from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table
from features.kernel.thresholds import read_thresholds
from features.kernel.units import MICRO

CREDENTIAL_EVENTS = ("password_change", "password_reset", "two_factor_reset", "email_change", "phone_change")
CONCEALING = ("vpn", "proxy", "tor")
NUMBERS = read_thresholds(Path(__file__).with_suffix(".yaml")).values
EARTH_RADIUS_KM = 6_371.0
UNKNOWN_COUNTRY = "ZZ"


def _sessions() -> ir.Table:
    sessions = activity_table("sessions")
    concealed = sessions.vpn | sessions.anonymiser.isin(CONCEALING).fill_null(False)
    rows = sessions.mutate(concealed=concealed, enters=sessions.event.isin(("signup", "login")))
    rows = rows.mutate(
        locates=rows.enters
        & ~rows.concealed
        & (rows.asn_type != "hosting")
        & rows.latitude.notnull()
        & rows.longitude.notnull()
    )
    rows = _with_residence(_with_travel(rows))
    return rows.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.session_id,
        enters=_.enters,
        ip=_.ip,
        network=ibis.coalesce(_.asn, _.ip_country + ":" + _.asn_type),
        country=_.ip_country,
        device_id=_.device_id,
        hosting=_.asn_type == "hosting",
        mobile=_.asn_type == "mobile",
        concealed=_.concealed,
        scripted=_.headless | _.emulator.fill_null(False),
        impossible_travel=_.impossible_travel,
        abroad=(
            (_.ip_country != _.residence) & (_.ip_country != UNKNOWN_COUNTRY) & (_.residence != UNKNOWN_COUNTRY)
        ).fill_null(False),
    )


def _with_travel(rows: ir.Table) -> ir.Table:
    """Whether somebody flew faster than aircraft do, since the login of the account that was known just before.

    Logins through VPN, proxy or a hosting centre say nothing about where a person is and are passed over.
    """
    window = ibis.window(group_by=[rows.account_id, rows.locates], order_by=[rows.known_from, rows.ts, rows.session_id])
    before = rows.mutate(
        latitude_before=rows.latitude.lag().over(window),
        longitude_before=rows.longitude.lag().over(window),
        ts_before=rows.ts.lag().over(window),
    )
    km = _distance_km(before.latitude_before, before.longitude_before, before.latitude, before.longitude)
    hours = (before.ts - before.ts_before).abs().cast("float64") / (3600 * MICRO)
    return before.mutate(
        impossible_travel=(
            before.locates & (km >= NUMBERS["min_km"]) & (km > NUMBERS["impossible_kmh"] * hours)
        ).fill_null(False)
    )


def _distance_km(
    latitude: ir.NumericValue, longitude: ir.NumericValue, to_latitude: ir.NumericValue, to_longitude: ir.NumericValue
) -> ir.NumericValue:
    """Kilometres along the great circle (haversine), rounded so that every engine agrees."""
    half_up = ((to_latitude - latitude).radians() / 2).sin()
    half_along = ((to_longitude - longitude).radians() / 2).sin()
    chord = half_up * half_up + latitude.radians().cos() * to_latitude.radians().cos() * half_along * half_along
    return (ibis.least(chord, 1.0).sqrt().asin() * (2 * EARTH_RADIUS_KM)).round(3)


def _with_residence(rows: ir.Table) -> ir.Table:
    """The country the account was registered in, by the newest version known when the session was."""
    accounts = activity_table("accounts")
    versions = accounts.group_by(["account_id", "known_from"]).agg(residence=accounts.country.max())
    versions = versions.rename(resident_id="account_id", resident_from="known_from")
    return rows.asof_join(
        versions, rows.known_from >= versions.resident_from, [rows.account_id == versions.resident_id]
    )


def _from_listed_countries() -> ir.Table:
    """Sessions with the list their country was on when they happened."""
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


def _listed_orders() -> ir.Table:
    """Orders placed in a session from a listed country, once order, session and list entry were known."""
    events = activity_table("order_events")
    placed = events.filter((events.event == "new") & events.session_id.notnull())
    sessions = _from_listed_countries().rename(in_session="row_id", held_by="account_id", listed_from="known_from")
    sessions = sessions.select("in_session", "held_by", "listed_from", "prohibited", "watched")
    joined = placed.inner_join(
        sessions, [placed.session_id == sessions.in_session, placed.account_id == sessions.held_by]
    )
    return joined.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=ibis.greatest(_.known_from, _.listed_from),
        known_until=NEVER_ENDS,
        row_id=_.order_id,
        symbol=_.symbol,
        prohibited=_.prohibited,
        watched=_.watched,
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
LISTED_SESSIONS = Fact("listed_sessions", "a session from a listed country", _from_listed_countries(), "sessions")
LISTED_ORDERS = Fact("listed_orders", "an order from a listed country", _listed_orders(), "order_events")
SECURITY = Fact("security", "a security event", _security(), "security_events")
