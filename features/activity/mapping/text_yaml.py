"""Reads YAML whose scalars stay text as written: NO is a country, 0123 an id, 12:30:45 a clock."""

from typing import Any

import yaml

MERGE = "tag:yaml.org,2002:merge"


def read_text_yaml(text: str) -> Any:
    """The document, with every scalar as text; anchors and merge keys work, a repeated key is an error.

    Raises:
        yaml.YAMLError: the text is no YAML.

    >>> read_text_yaml("{country: NO, id: 0123, at: 12:30:45, nothing: }")
    {'country': 'NO', 'id': '0123', 'at': '12:30:45', 'nothing': ''}
    """
    return yaml.load(text, Loader=TextLoader)  # noqa: S506 - a SafeLoader


class TextLoader(yaml.SafeLoader):
    """The safe loader without its guesses of types; only the merge key keeps its meaning."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping whose keys are all different."""
        node = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            if key.tag != MERGE and key.value in keys:
                raise yaml.composer.ComposerError(None, None, f"{key.value!r} is given twice", key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
        return node


TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == MERGE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
