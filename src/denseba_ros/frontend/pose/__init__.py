"""The recurrent pose network: relative pose of consecutive images."""
