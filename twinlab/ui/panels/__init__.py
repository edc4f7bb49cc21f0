"""Sections and cards of the pages."""
