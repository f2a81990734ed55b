"""Certificates of the listeners: issued by the installation's authority or mounted, and renewed while they are in use."""
