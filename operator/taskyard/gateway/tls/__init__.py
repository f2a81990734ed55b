"""Certificates of the listeners: issued by the installation's authority or mounted, and renewed while in use."""
