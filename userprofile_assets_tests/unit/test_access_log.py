"""What the access log shows of a request: names that cannot hold a value."""

from __future__ import annotations

import pytest

from userprofile_assets.service.observation import _names
from userprofile_assets.service.request_notes import take_notes


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (b"", "-"),
        (b"dt=20240807&uid_prefix=secret", "dt,uid_prefix"),
        (b"city=a&city=b", "city"),
        (b"up_0a1b2c3d4e_Secret", "?"),
        (b"%73ecret=1", "?"),
        (b"a\nb=1", "?"),
        (
            b"&".join(b"p%c=1" % letter for letter in b"abcdefghijklmnop"),
            "pa,pb,pc,pd,pe,pf,pg,ph,pi,pj,pk,pl,...",
        ),
    ],
    ids=["none", "names", "repeated", "a key as a name", "escaped", "two lines", "many"],
)
def test_names_of_parameters_are_shown_and_never_values(query, shown):
    assert _names(query) == shown


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"0f5bd3c59b5a4f0b8f6b2c1f0a3d9e77", True),
        (b"0f5bd3c5-9b5a-4f0b-8f6b-2c1f0a3d9e77", True),
        (b"abc", False),
        (b"0f5bd3c59b5a4f0b\n2026-11-22 forged", False),
        (b"up_0a1b2c3d4e_Secret", False),
    ],
    ids=["nginx", "uuid", "short", "two lines", "a key"],
)
def test_an_id_of_a_proxy_is_kept_only_if_it_is_hexadecimal(sent, kept):
    notes = take_notes({"headers": [(b"x-request-id", sent)]})
    assert (notes.request_id == sent.decode()) is kept
    assert len(notes.request_id) >= 32
