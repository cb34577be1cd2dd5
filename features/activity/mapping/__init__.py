"""Mappings bring foreign exports in: a YAML document says by which SELECTs our tables are made of its files."""

from features.activity.mapping.loading import Mapping, load_mapping, mapping_schema

__all__ = ["Mapping", "load_mapping", "mapping_schema"]
