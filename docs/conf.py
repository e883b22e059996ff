"""Settings of Sphinx for the site; ``make site`` writes its sources and builds it.

The address of the repository is set in pyproject.toml, under project.urls. Until it is, no page has
a link or a button that needs it.
"""

from __future__ import annotations

import course_utils
from course_staff.authoring.addresses import addresses
from course_staff.site import extension
from course_utils import settings

_ROOT = settings.course_root()
_KNOWN = addresses(_ROOT)

project = "Classifying images with convolutional networks"
author = "the authors of the course"
copyright = author
version = release = course_utils.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.linkcode",
    "sphinx_design",
    "sphinx_copybutton",
    "course_staff.site.extension",
]
exclude_patterns = ["_parts/**"]
templates_path = ["_templates"]
default_role = "code"
highlight_language = "text"

# Lessons: the stored outputs, no scripts from elsewhere, nothing executed.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_code_prompt_show = "Show the result"
nb_code_prompt_hide = "Hide the result"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "mathml"

# The reference.
autosummary_generate = False
autodoc_typehints = "none"
autodoc_preserve_defaults = True  # as written, and no path of this machine
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_use_ivar = True
add_module_names = False
toc_object_entries_show_parents = "hide"


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Return the address of the code of an object of the reference."""
    if domain != "py" or not info["module"]:
        return None
    return extension.source_link(_KNOWN, _ROOT, info["module"], info["fullname"])


# The look.
html_theme = "sphinx_book_theme"
html_title = "Classifying images with CNNs"
html_favicon = "_static/kernel.svg"
html_logo = "_static/kernel.svg"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_last_updated_fmt = None
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "use_download_button": True,
    "use_fullscreen_button": False,
    "search_as_you_type": False,
    "logo": {"text": html_title, "alt_text": "First page"},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "show_toc_level": 2,
    "toc_title": "On this page",
}
if _KNOWN.repository:
    html_theme_options |= {
        "repository_url": _KNOWN.repository,
        "repository_branch": "main",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "colab_url": "https://colab.research.google.com",
            "binderhub_url": "https://mybinder.org",
            "notebook_interface": "jupyterlab",
        },
    }
