"""Tables in every format, with text that could do harm in it."""

from results.render.tables import Table, csv_text, latex, markdown, plain_text

HOSTILE = Table("T0", "50 % & more", ("na_me", "n"), ((r"\input{x} #$~^|<b>", 7), ("\x1b[31m", None)))


def test_latex_runs_nothing_of_strangers() -> None:
    text = latex(HOSTILE)
    assert r"\textbackslash{}input\{x\} \#\$\textasciitilde{}\textasciicircum{}" in text
    assert r"50 \% \& more" in text
    assert "na\\_me & n \\\\" in text
    assert r"\begin{tabular}{lr}" in text
    assert "\x1b" not in text


def test_text_and_markdown_stay_in_their_columns() -> None:
    assert plain_text(HOSTILE).splitlines()[-2:] == [r"\input{x} #$~^|<b>  7", r"\x1b[31m"]
    assert markdown(HOSTILE).splitlines()[-2] == r"| \\input\{x\} \#$\~^\|\<b\> | 7 |"
    assert csv_text(Table("x", "", ("a",), (("=1",), (-1,)))) == "a\r\n'=1\r\n-1\r\n"
