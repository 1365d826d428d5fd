"""The report: one file, everything in it, nothing unescaped."""

import base64
import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from brainmem.errors import ResultError
from brainmem.results.comparison import compare
from brainmem.study.report import standard_figures, write_report
from tests.support import synthetic

RATE = [synthetic.result("rate", seed) for seed in (0, 1)]
SPIKING = [synthetic.result("spiking", seed, change=0.8) for seed in (0, 1)]
VOID = {"meta", "img", "br", "link", "hr"}


class Balanced(HTMLParser):
    """Collects attributes and checks that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(
        path,
        title="Memory <b>& spikes",
        comparison=compare(RATE, SPIKING),
        claims=synthetic.claims(),
        notes=["seen by eye"],
    )
    return path.read_text(encoding="utf-8")


def parse(page):
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_the_page_is_well_formed_and_needs_nothing_from_outside(page):
    parser = parse(page)
    assert parser.addresses
    assert all(address.startswith("data:image/") for address in parser.addresses)
    assert not {"script", "link", "iframe", "object"} & set(parser.tags)
    assert "http" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_the_page_escapes_what_it_was_given(page):
    assert "<title>Memory &lt;b&gt;&amp; spikes</title>" in page
    assert "# &lt;units&gt; &amp; more" in page
    assert "Connectivity &lt;decorrelates&gt; &amp; keeps its norm." in page
    assert "<decorrelates>" not in page


def test_the_top_says_what_ran(page):
    top = re.sub(r"<[^>]+>", " ", page[page.index("<body>") : page.index("<h2>")])
    for part in (
        "synthetic2024",
        "rate, spiking",
        "cpp_standalone",
        "0, 1",
        "yes",
        "3 of 3 pass",
        "2 of 3 pass",
    ):
        assert part in top
    assert "doi:10.1/x" in top


def test_every_claim_has_its_values_tolerance_and_verdict(page):
    table = page[page.index("<h2>Claims") : page.index("<h2>Agreement")]
    rows = re.findall(r"<tr>\n<td><b>(C\d)</b>.*?</tr>", table, re.DOTALL)
    assert rows == ["C1", "C3", "C4", "C5"]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", table))
    assert "0.95 reconstruction 0.97 ± 0.02 ✓ pass expected 0.85 … 1, 5 seeds 0.9 ± 0.04 ✓ pass" in text
    assert "falls 0.13 ± 0.01 ✓ pass expected ≤ 0.2, 3 seeds 0.26 ± 0.03 ✗ fail expected ≤ 0.2" in text
    assert "0.45 0.41 ✓ pass expected ≥ 0.3, 1 seed 0.2 ± 0.02 ✓ pass expected ≥ 0.1, 2 seeds" in text
    assert "capacity M/N inf 1 seed not run" in text


def test_agreement_parameters_calibration_and_provenance_are_listed(page):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for part in (
        "weight changes, slope (recurrent_w) 0.800 ± 0.000 2",
        "2 0.500 ± 0.000 0.500 ± 0.000 0.000 ± 0.000",
        "tau 0.025 s time constant ours",
        "gamma 0.6 strength of the cue reconstruction",
        "units 80 Hz 98.9 Hz 81% 0.40% of activity 1 0.20 … 1.00",
        "rate variant dx/dt = (phi - x)/tau : 1",
        "spiking variant dx/dt",
        "groups: units (0)",
        "seen by eye",
        "spiking: read by event",
        "brainmem 0.1",
    ):
        assert part in text


def test_the_criterion_of_each_variant_stands_at_the_top_and_above_its_column(page):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "recalled overlap &gt; 0.85 (rate), Pearson r &gt; 0.9 (spiking)" in text[: text.index("Claims")]
    assert "epochs learned rate: overlap &gt; 0.85 spiking: Pearson r &gt; 0.9 spiking - rate" in text


def test_results_without_a_criterion_make_a_page_that_does_not_speak_of_recall(tmp_path):
    page = write_report(tmp_path / "x.html", title="x", results=synthetic.result(recalled_by="")).read_text("utf-8")
    assert "recalled" not in re.sub(r"<[^>]+>", " ", page.partition("</style>")[2])


def test_warnings_stand_at_the_top_once_and_notes_at_the_end(tmp_path):
    said = {"warnings": '["rates left <rate_range>"]', "notes": '["rates left <rate_range>", "read by event"]'}
    results = [synthetic.result("spiking", seed, **said) for seed in (0, 1)]
    path = write_report(tmp_path / "x.html", title="x", comparison=compare(RATE, results), results=results, figures={})
    page = path.read_text("utf-8")
    top = re.sub(r"<[^>]+>", "", page[: page.index("<h2>")])
    assert "warning spiking: rates left &lt;rate_range&gt; (seeds 0, 1)" in top
    assert page.count("rates left") == 1
    assert "spiking: read by event" in page[page.index("<h2>Notes") :]


def test_standard_figures_show_what_was_recorded(page):
    captions = [
        caption for caption, _ in standard_figures([*RATE, *SPIKING], compare(RATE, SPIKING), synthetic.claims())
    ]
    assert len(captions) == 7
    assert page.count("<figure>") == 7
    assert any("Calibration of the cells of units" in caption for caption in captions)
    assert not any("alibration" in caption for caption, _ in standard_figures(RATE))


def test_embedded_figures_are_pictures(page):
    kind, data = re.search(r"data:image/(svg\+xml|png);base64,([A-Za-z0-9+/=]+)", page).groups()
    assert (b"<svg" if kind == "svg+xml" else b"PNG") in base64.b64decode(data)


def test_own_figures_replace_the_standard_ones(tmp_path):
    fig = Figure()
    fig.subplots().plot([0, 1])
    path = write_report(tmp_path / "own.html", title="own", results=RATE[0], figures={'a "line"': fig})
    page = path.read_text(encoding="utf-8")
    assert page.count("<figure>") == 1
    assert "<figcaption>a &#34;line&#34;</figcaption>" in page
    parse(page)


def test_a_huge_drawing_is_embedded_as_png(tmp_path):
    fig = Figure()
    fig.subplots().plot(*[range(40_000)] * 2, ".", markersize=1)
    page = write_report(tmp_path / "x.html", title="x", results=RATE[0], figures=[("dots", fig)]).read_text("utf-8")
    assert "data:image/png" in page
    assert "data:image/svg" not in page


def test_an_unfinished_run_is_announced_at_the_top(tmp_path):
    results = [RATE[0], synthetic.result("spiking", 7, complete=0)]
    page = write_report(tmp_path / "x.html", title="x", results=results).read_text("utf-8")
    top = page[: page.index("<h2>")]
    assert "spiking seed 7" in top
    assert "<b>NO</b>" in top


def test_parameters_that_were_swept_show_every_value(tmp_path):
    results = [
        synthetic.result(parameters={"gamma": {"value": value, "unit": "1", "meaning": "", "source": "ours"}})
        for value in (0.4, 0.6)
    ]
    page = write_report(tmp_path / "x.html", title="x", results=results, figures={}).read_text("utf-8")
    assert "0.4, 0.6" in page


def test_claims_alone_make_a_report(tmp_path):
    page = write_report(tmp_path / "x.html", title="x", claims=synthetic.claims()).read_text("utf-8")
    parse(page)
    assert "<h2>Parameters</h2>" not in page


def test_an_empty_report_is_refused_and_a_failed_one_leaves_the_old(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(ResultError, match="nothing to report"):
        write_report(path, title="x")
    with pytest.raises(ResultError, match="figures by caption"):
        write_report(path, title="x", results=RATE[0], figures={"broken": object()})
    assert path.read_text() == "old"


def test_runs_of_different_settings_are_never_averaged_as_seeds():
    swept = [
        synthetic.result("rate", seed, parameters={"gamma": {"value": gamma, "unit": "1"}})
        for seed, gamma in ((0, 0.4), (1, 0.6))
    ]
    captions = [caption for caption, _ in standard_figures(swept)]
    assert not any("mean over seeds" in caption for caption in captions)
    assert any("mean over seeds" in caption for caption, _ in standard_figures(RATE))
