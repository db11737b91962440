"""Addresses of the files of jobs."""

from urllib.parse import parse_qsl, urlsplit

from ui.job_links import JobLinks


def query(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def test_who_got_a_link_reads_as_the_owner_of_the_job() -> None:
    links = JobLinks()
    link = links.link("/ui", "ann & co", "job_1", "mp3", 2)
    assert urlsplit(link).path == "/ui/jobs/job_1/audio"
    assert (query(link)["format"], query(link)["chapter"]) == ("mp3", "2")
    assert links.owner("job_1", query(link)) == "ann & co"
    assert links.owner("job_1", query(links.link("/ui", "ann & co", "job_1", "zip"))) == "ann & co"


def test_no_other_link_is_accepted() -> None:
    links = JobLinks()
    signed = query(links.link("", "ann", "job_1", "mp3"))
    assert links.owner("job_2", signed) is None
    assert links.owner("job_1", signed | {"owner": "bob"}) is None
    assert links.owner("job_1", {"owner": "ann"}) is None
    assert links.owner("job_1", signed | {"key": "é"}) is None
    assert JobLinks().owner("job_1", signed) is None
