"""What we run is locked by hash, and its licences are listed."""

from tests import supply_chain


def test_every_package_is_locked_by_hash_and_installed_as_locked():
    assert len(supply_chain.locked()) > 30
    assert supply_chain.without_hash() == []
    assert list(supply_chain.differing()) == []


def test_the_list_of_licences_is_current_and_knows_each():
    table = supply_chain.licence_table()
    assert supply_chain.TABLE.read_text() == table
    assert "| unknown |" not in table
    assert "| not installed |" not in table
    # Whoever uses this may go on using it as they like.
    assert "AGPL" not in table
