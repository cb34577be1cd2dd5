"""Checks the SELECT of a mapping: one query, over declared files only, that gives the same rows each time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from features.activity.files import SourceFile
from features.activity.mapping.stability import DIALECT, adds_up, instabilities
from features.activity.schema import Table
from features.kernel.errors import Invalid

FILE_ENDINGS = (".parquet", ".csv", ".csv.gz", ".csv.zst")
NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
REFUSED_PARTS: dict[type[exp.Expr], str] = {
    exp.Into: "INTO",
    exp.Lock: "FOR UPDATE",
    exp.TableSample: "a sample",
    exp.Lateral: "LATERAL",
    exp.Describe: "DESCRIBE",
    exp.Summarize: "SUMMARIZE",
    exp.DDL: "a statement that writes",
    exp.DML: "a statement that writes",
    exp.Command: "a command",
}


@dataclass(frozen=True, slots=True)
class SelectStatement:
    """A checked SELECT that makes rows of one of our tables.

    Attributes:
        table: our table.
        place: the entry of the document, for messages.
        reads: the files or sources it reads, by the names it uses.
        query: the SELECT, with constants put in.
        adds_up: whether the order in which it takes rows may show in the last digits of what it makes.
    """

    table: Table
    place: str
    reads: tuple[str, ...]
    query: str
    adds_up: bool

    def sql(self, opened: Mapping[str, SourceFile]) -> str:
        """The SELECT as it runs; what the files hold does not change it."""
        return self.query


def checked_select(
    text: str, table: Table, place: str, sources: Mapping[str, str], constants: Mapping[str, str]
) -> SelectStatement:
    """The SELECT of an entry, if it may run.

    Args:
        text: the SQL.
        table: our table that it makes.
        place: the entry, for messages.
        sources: lower-case name -> name of every declared source.
        constants: name -> value as written.

    Raises:
        Invalid: it is not one SELECT, reads something else than declared sources and files of the folder, calls a
            function whose value changes from run to run, takes rows in no order, or makes a column that the table
            does not have.
    """
    query = _one_query(text, place)
    for part in query.walk():
        for refused, called in REFUSED_PARTS.items():
            if isinstance(part, refused):
                raise Invalid(f"{place}: the SELECT has {called}, which a mapping may not use.")
        if isinstance(part, exp.With) and part.args.get("recursive"):
            raise Invalid(f"{place}: the SELECT is recursive and might never end; a mapping may not use that.")
    for instability in instabilities(query):
        raise Invalid(f"{place}: the SELECT {instability}; a mapping has to make the same rows each time.")
    reads = tuple(dict.fromkeys(_read_tables(query, sources, place)))
    _check_columns(query, table, place)
    _number_rows(query)
    written = _with_constants(query, constants, place)
    return SelectStatement(table, place, reads, written.sql(DIALECT, identify=True), adds_up(written))


def _one_query(text: str, place: str) -> exp.Query:
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect=DIALECT) if tree is not None]
    except (SqlglotError, RecursionError) as error:
        reason = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()[0]
        raise Invalid(f"{place}: the SQL cannot be read: {reason}") from error
    if len(trees) != 1:
        raise Invalid(f"{place}: there are {len(trees)} statements; write exactly one SELECT.")
    query = trees[0]
    while isinstance(query, exp.Subquery) and not any(query.args.get(part) for part in ("order", "limit", "offset")):
        query = query.this
    if not isinstance(query, exp.Select | exp.SetOperation):
        raise Invalid(f"{place}: {query.key.upper()} is not a SELECT; write exactly one SELECT.")
    return query


def _read_tables(query: exp.Query, sources: Mapping[str, str], place: str) -> Iterator[str]:
    for node in query.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier):
            called = node.this.sql(DIALECT) if node.this else "a table function"
            raise Invalid(f"{place}: the SELECT reads {called}; it may read the files under 'sources' only.")
        if node.args.get("db") or node.args.get("catalog") or node.args.get("when"):
            raise Invalid(f"{place}: the SELECT reads {node.sql(DIALECT)}; name the file under 'sources'.")
        name = node.name
        if _is_named_within(node):
            continue
        if name.lower() in sources:
            yield sources[name.lower()]
        elif name.lower().endswith(FILE_ENDINGS):
            yield name
        else:
            declared = ", ".join(sources.values()) or "none"
            raise Invalid(
                f"{place}: the SELECT reads {name!r}, which is no source; declared under 'sources': {declared}."
            )


def _is_named_within(node: exp.Table) -> bool:
    """Whether the name is that of a WITH that holds here; elsewhere, also inside that WITH itself, it is a file."""
    around, inside = node.parent, {id(node)}
    while around is not None:
        inside.add(id(around))
        with_ = around.args.get("with_")
        for named in with_.expressions if with_ is not None else ():
            if id(named) in inside:
                break
            if named.alias.lower() == node.name.lower():
                return True
        around = around.parent
    return False


def _check_columns(query: exp.Query, table: Table, place: str) -> None:
    if query.is_star:
        return
    names = [column.alias_or_name for column in query.selects]
    for name in names:
        if name.lower() == "_row":
            continue
        if not name:
            raise Invalid(f"{place}: a column of the SELECT has no name; write AS and the name of our column.")
        try:
            table.column(name)
        except Invalid as error:
            raise Invalid(f"{place}: {error}") from error
        if names.count(name) > 1:
            raise Invalid(f"{place}: the SELECT makes the column {name!r} twice.")


def _number_rows(query: exp.Query) -> None:
    """Lets each row keep the number of the row in its file, where it is made of exactly one."""
    if not isinstance(query, exp.Select) or query.is_star or "_row" in (n.lower() for n in query.named_selects):
        return
    if any(query.args.get(part) for part in ("joins", "group", "having", "distinct", "with_", "laterals")):
        return
    source = query.args["from_"].this if query.args.get("from_") else None
    aggregates = (a for a in query.find_all(exp.AggFunc) if a.find_ancestor(exp.Window, exp.Subquery) is None)
    if isinstance(source, exp.Table) and next(aggregates, None) is None:
        query.select(exp.column("_row", table=exp.to_identifier(source.alias_or_name, quoted=True)), copy=False)


def _with_constants(query: exp.Query, constants: Mapping[str, str], place: str) -> exp.Expr:
    def replaced(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder | exp.Parameter):
            return node
        if node.name not in constants:
            declared_names = ", ".join(f"${name}" for name in constants) or "none"
            raise Invalid(f"{place}: ${node.name} is not in the constants; declared: {declared_names}.")
        return _literal(constants[node.name])

    return query.transform(replaced)


def _literal(written: str) -> exp.Expr:
    """A constant as it is written: a whole number, another number, a text, or nothing."""
    if not written:
        return exp.null()
    if not NUMBER.fullmatch(written):
        return exp.Literal.string(written)
    negative, digits = written.startswith("-"), written.lstrip("+-")
    number: exp.Expr = exp.Literal.number(digits)
    if not digits.isdigit():
        number = exp.cast(number, "DOUBLE")
    return exp.Paren(this=exp.Neg(this=number)) if negative else number
