"""The groups of a ClientHello."""

from dataclasses import replace

import pytest

from scanner.net.client_hello import offered_groups
from scanner.settings import AUTHENTICATED, AUTHENTICATED_CLASSICAL, POST_QUANTUM, TLSProfile


@pytest.mark.parametrize(
    ("profile", "groups"),
    [
        (AUTHENTICATED_CLASSICAL, "x25519 x448 secp256r1 secp384r1 secp521r1"),
        (POST_QUANTUM, "X25519MLKEM768 SecP256r1MLKEM768 SecP384r1MLKEM1024 MLKEM768"),
        (replace(AUTHENTICATED, groups="P-384:ffdhe2048"), "secp384r1 ffdhe2048"),
    ],
)
def test_groups_are_those_of_the_profile(profile: TLSProfile, groups: str) -> None:
    assert " ".join(offered_groups(profile)) == groups


def test_the_default_offer_is_that_of_the_library() -> None:
    found = offered_groups(AUTHENTICATED)
    assert found[0] == "X25519MLKEM768"
    assert {"x25519", "secp256r1"} <= set(found)
    assert not [name for name in found if name.startswith("0x")]
