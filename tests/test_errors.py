"""What is said of an error: one line, no password."""

from snn_tune.errors import near_match, one_line, without_password


def test_one_line_of_bounded_length() -> None:
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line("x" * 1000)) == 300


def test_passwords_are_struck_out() -> None:
    text = "no answer from http://me:s3cret@host:5000/a and sqlite:////tmp/a@b.db"
    assert without_password(text) == "no answer from http://***@host:5000/a and sqlite:////tmp/a@b.db"


def test_near_match() -> None:
    assert near_match("nb_hiden", ["nb_hidden", "lr"]) == " (did you mean 'nb_hidden'?)"
    assert near_match("zzz", ["nb_hidden"]) == ""
