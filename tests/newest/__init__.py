"""Debian 13 as the machine that deploys, with the newest ansible-core for its Python."""
