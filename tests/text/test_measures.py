import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12kg, 1 mile, 5 ft", "twelve kilograms, one mile, five feet"),
        ("12/kg", "twelve per kilogram"),
        ("100 km/h", "one hundred kilometers per hour"),
        ("1 kg, 1°C", "one kilogram, one degree Celsius"),
        (
            "41,459.00 km³, 5 m2",
            "forty-one thousand four hundred and fifty-nine point zero zero cubic kilometers, five square meters",
        ),
        ("2-5lb", "two to five pounds"),
        ("2x8 m2", "two by eight square meters"),
        ("5 in the box", "five in the box"),
        ("10%-20%, 5‰", "ten to twenty percent, five per mille"),
        ("1/2, 3/4, 31/32", "one half, three quarters, thirty-one thirty-seconds"),
        ("3 2/4, 2½", "three and two quarters, two and one half"),
        ("1 1/2 tsp, ¾ lb, 1/2 oz", "one and one half teaspoons, three quarters of a pound, one half of an ounce"),
        ("scored 9/10 and 24/30", "scored nine out of ten and twenty-four out of thirty"),
        ("10x faster, 2.5x as much", "ten times faster, two point five times as much"),
        ("From 9-5, 555-0199", "From nine to five, five five five, zero one nine nine"),
        ("50/50, 2-for-1", "fifty fifty, two-for-one"),
        ("<5, ≥ 5, 12cm x 13cm", "less than five, at least five, twelve centimeters by thirteen centimeters"),
        ("3 MB/s, 10 sq. ft", "three megabytes per second, ten square feet"),
        ("RAM – 16GB; 8GB is, 12+ h", "RAM – sixteen gigabytes; eight gigabytes is, twelve plus hours"),
        ('a 14" screen of "5"', 'a fourteen inches screen of "five"'),
        ("1920×1080, 3×4, E = mc²", "nineteen twenty by ten eighty, three times four, E equals mc squared"),
        ("50 days/year", "fifty days per year"),
        ("24/7 since 9/11", "twenty-four seven since nine eleven"),
        ("5-10, 5 – 10", "five to ten, five to ten"),
        ("5 - 3 = 2", "five minus three equals two"),
        ("3×4, 3÷4=0.75", "three times four, three divided by four equals zero point seven five"),
        ("x = 5, y = -3", "x equals five, y equals minus three"),
        ("5 ± 2", "five plus or minus two"),
        ("1e-6, 10⁻⁶", "one times ten to the power of minus six, ten to the power of minus six"),
        ("5'10\"", "five foot ten"),
        ("3.5MB (3,500 KB)", "three point five megabytes (three thousand five hundred kilobytes)"),
    ],
)
def test_quantities_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read
