"""Mappings bring foreign exports in: a YAML document says by which SELECTs our tables are made of its files."""

from features.activity.mapping.document import MappingDocument
from features.activity.mapping.loading import Mapping, load_mapping

__all__ = ["Mapping", "MappingDocument", "load_mapping"]
