"""Video files, which may say that they are turned."""
