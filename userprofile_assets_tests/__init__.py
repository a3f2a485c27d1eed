"""Test suite of userprofile_assets."""
