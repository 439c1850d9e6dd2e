"""The recurrent pose network: motion between consecutive images."""
