"""Plots of the dashboard and of the partners' pages: what they show, in pictures, words and tables."""
