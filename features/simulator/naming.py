"""How the integers by which the simulator computes are spelt as ids, addresses and countries in the tables."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.simulator.vectors import Ints

NUMBERED = {
    "order_id": "o",
    "maker_order_id": "o",
    "taker_order_id": "o",
    "trade_id": "t",
    "session_id": "s",
    "transfer_id": "x",
    "api_key_id": "k",
    "owner_id": "owner-",
    "device_id": "device-",
    "address": "address-",
    "source_address": "address-",
    "document_hash": "doc-",
    "face_hash": "face-",
    "name_hash": "name-",
    "birth_hash": "birth-",
    "user_agent_hash": "ua-",
    "tls_hash": "tls-",
    "asn": "AS",
    "event_id": "e",
}
ADDRESSES = ("ip",)


def dotted(address: int) -> str:
    """An IPv4 address in its usual form.

    >>> dotted((203 << 24) + (113 << 8) + 17)
    '203.0.113.17'
    """
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


@dataclass(frozen=True, slots=True)
class Names:
    """Lists of words by domain; a column outside them is spelt as a prefix and a number."""

    accounts: list[str]
    symbols: tuple[str, ...]
    countries: tuple[str, ...]
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def texts(self, column: str, codes: Ints) -> pa.Array:
        """The strings behind the codes of a column, null where the code is negative."""
        if column in NUMBERED:
            digits = pa.array(codes, mask=codes < 0).cast(pa.string())
            return pc.binary_join_element_wise(pa.scalar(NUMBERED[column]), digits, "")
        if column in ADDRESSES:
            distinct, codes = np.unique(codes, return_inverse=True)
            return _chosen(codes, [dotted(int(address)) for address in distinct])
        return _chosen(codes, self._list(column))

    def _list(self, column: str) -> list[str]:
        if column in ("symbol", "project_id"):
            return list(self.symbols)
        if column in ("country", "ip_country"):
            return list(self.countries)
        return list(self.words[column]) if column in self.words else self.accounts


def _chosen(codes: Ints, words: list[str]) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, type=pa.string())).cast(pa.string())
