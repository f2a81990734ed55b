"""The keys of an installation: certificate authority, master key, and what is derived from them."""
