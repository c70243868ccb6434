from cases.wording import nearest, shown


def test_a_name_comes_out_on_one_line() -> None:
    assert shown("人群 'IMG 1'.csv") == "人群 'IMG 1'.csv"
    assert shown("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert shown(b"\xff.jpg".decode("utf-8", "surrogateescape")) == "\\udcff.jpg"


def test_the_nearest_name_or_none() -> None:
    assert nearest("polcy", ["policy", "above"]) == '; the nearest is "policy"'
    assert nearest("zzz", ["policy", "above"]) == ""
