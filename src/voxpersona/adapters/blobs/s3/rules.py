"""Lifecycle rules as a store keeps them: XML, of which only the rules that bear our name are ours.

The XML is read and written here and not by boto3: rules of others may hold what boto3 does not know (MinIO has such
elements), and boto3 would drop it when it writes them back.
"""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as Xml

from pydantic import ValidationError

from voxpersona.model import Action, Rule

_OURS = "voxpersona-"
_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_KIND = "kind"
"""The tag that bears a blob's kind."""


def rules_in(document: bytes | None) -> tuple[Rule, ...]:
    """Our rules that stand in the XML, in their order; what bears our name and makes no sense is left out."""
    found = (_rule(each) for each in _elements(document) if _is_ours(each))
    return tuple(rule for rule in found if rule is not None)


def with_rules(document: bytes | None, rules: Iterable[Rule], *, below: str) -> bytes | None:
    """The XML with these rules in place of all of ours; None where no rule is left, of ours or of others.

    Rules for all kinds are for the keys that begin with `below`. ValueError for a rule that says nothing: see `_made`.
    """
    kept = [each for each in _elements(document) if not _is_ours(each)]
    made = [_made(rule, below) for rule in dict.fromkeys(rules)]
    if not kept and not made:
        return None
    root = Xml.Element("LifecycleConfiguration", xmlns=_SPACE)
    root.extend([*kept, *made])
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def missing(document: bytes | None, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Those of the rules that do not stand in the XML."""
    standing = set(rules_in(document))
    return tuple(rule for rule in rules if rule not in standing)


def name_of(rule: Rule) -> str:
    """The rule's id in the store."""
    return "-".join(filter(None, (f"{_OURS}{rule.action}", rule.kind, str(rule.days), rule.target)))


def _elements(document: bytes | None) -> list[Xml.Element]:
    """The rules, their names without the name space, in whichever form the server gives it."""
    if document is None:
        return []
    root = Xml.fromstring(document)  # noqa: S314  # from the store we trust with the blobs; expat bounds entities
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
        element.attrib = {name: text for name, text in element.attrib.items() if name != "xmlns"}
    return root.findall("Rule")


def _is_ours(element: Xml.Element) -> bool:
    return (element.findtext("ID") or "").startswith(_OURS)


def _made(rule: Rule, below: str) -> Xml.Element:
    """An unfinished write has no kind, and what moves must move somewhere: else ValueError."""
    if rule.action is Action.ABANDON and rule.kind:
        raise ValueError("unfinished writes have no kind")
    if (rule.action is Action.MOVE) is not bool(rule.target):
        raise ValueError("a storage class is for rules that move, and for all of them")
    element = Xml.Element("Rule")
    _add(element, "ID", name_of(rule))
    condition = _add(element, "Filter")
    if rule.kind:
        tag = _add(condition, "Tag")
        _add(tag, "Key", _KIND)
        _add(tag, "Value", rule.kind)
    else:
        _add(condition, "Prefix", "" if rule.action is Action.ABANDON else below)
    _add(element, "Status", "Enabled")
    verb, days = _VERBS[rule.action]
    deed = _add(element, verb)
    _add(deed, days, str(rule.days))
    if rule.target:
        _add(deed, "StorageClass", rule.target)
    return element


def _rule(element: Xml.Element) -> Rule | None:
    """What the rule says; None for one that is switched off, or was not made by `_made`."""
    if element.findtext("Status") != "Enabled":
        return None
    for action, (verb, days) in _VERBS.items():
        if element.find(verb) is not None:
            try:
                return Rule(
                    action=action,
                    days=int(element.findtext(f"{verb}/{days}") or 0),
                    kind=element.findtext("Filter/Tag/Value") or "",
                    target=element.findtext(f"{verb}/StorageClass") or "",
                )
            except (ValueError, ValidationError):
                return None
    return None


def _add(parent: Xml.Element, name: str, text: str | None = None) -> Xml.Element:
    element = Xml.SubElement(parent, name)
    element.text = text
    return element


_VERBS = {
    Action.ABANDON: ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
    Action.EXPIRE: ("Expiration", "Days"),
    Action.MOVE: ("Transition", "Days"),
}
