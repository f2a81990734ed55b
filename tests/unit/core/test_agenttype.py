from __future__ import annotations

from taskyard.api.vocabulary import AgentType
from taskyard.core import agenttype


def test_a_template_version_may_name_each_type_that_can_be_guessed() -> None:
    assert {*agenttype.TYPES.values(), agenttype.CUSTOM} == {kind.value for kind in AgentType}
