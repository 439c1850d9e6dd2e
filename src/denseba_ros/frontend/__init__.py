"""The frontend: rectification, depth and pose models, features, two-view geometry."""
