"""Smoke: proves a Millrace cluster from outside, by protocol gates and by data."""
