"""The `claim` directive: a numbered box that other pages, tests and the ledger point to.

    ```{claim} lif-2
    At constant current the rate is ...
    ```

It is linked to by {ref}`claim-lif-2`, and its id in the page is `claim-lif-2`.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NAME = re.compile(r"[a-z][a-z_]*-[0-9]+")


class Claim(SphinxDirective):
    """One claim of the curriculum, in the words of the chapter that derives or shows it."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if not NAME.fullmatch(name):
            raise self.error(f"claim: expected a topic and a number, as lif-2, got {name!r}")
        if not self.content:
            raise self.error(f"claim {name}: expected the claim's text")
        title = f"Claim {name}"
        label = f"claim-{name}"
        box = nodes.admonition(classes=["claim"], ids=[label])
        self.set_source_info(box)
        box += nodes.title(title, "", nodes.reference("", title, refid=label, internal=True))
        self.state.nested_parse(self.content, self.content_offset, box)
        self._register(label, title)
        return [box]

    def _register(self, label: str, title: str) -> None:
        """Make {ref}`claim-lif-2` a link that reads "Claim lif-2"."""
        known = self.env.get_domain("std").data
        if label in known["labels"]:
            raise self.error(f"{title} is already stated in {known['labels'][label][0]}")
        known["labels"][label] = (self.env.docname, label, title)
        known["anonlabels"][label] = (self.env.docname, label)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claim", Claim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
