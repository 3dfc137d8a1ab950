"""Signals: series of one vehicle and of many, how they are thinned out and told, the catalogue."""
