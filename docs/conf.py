"""Sphinx, because ROS' own rosdoc2 is Sphinx too; MyST reads Markdown, furo is the theme.

All three are kept up and free (BSD-2-Clause and MIT), and none loads anything at build time.
"""

project = "denseba_ros"
copyright = "denseba_ros contributors, Apache-2.0"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "figures", "generators", "results"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "denseba_ros"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_sourcelink = False
nitpicky = True
