from error_analysis.site.comparing.many import are_many


def test_four_models_are_told_one_by_one_and_five_are_not():
    assert not are_many("abcd")
    assert are_many("abcde")
