"""The network without manners between two explored sides: it loses, repeats and reorders, and the cloud crashes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.faults.whole_link import LOST, Asked, CloudSide, EdgeSide

MEMORY = Path("/dev/shm")  # noqa: S108 - the folders in it are made by tempfile

Side = TypeVar("Side", bound=EdgeSide)


class Network(RuleBasedStateMachine, Generic[Side]):
    """Both sides on copies of empty databases, and what becomes of each request and answer between them."""

    templates: Path
    edge: Side

    def connect(self, edge: type[Side]) -> None:
        """Start both sides."""
        self.folder = Path(tempfile.mkdtemp(prefix="gardu-link-", dir=MEMORY if MEMORY.is_dir() else None))
        for name in ("edge.db", "cloud.db"):
            shutil.copy(self.templates / name, self.folder / name)
        self.edge, self.cloud = edge(self.folder / "edge.db"), CloudSide(self.folder / "cloud.db")
        self.edge.start()
        self.cloud.start()
        self.old: list[Any] = []

    def disconnect(self) -> None:
        """End both sides and remove what they wrote."""
        self.edge.crash()
        self.cloud.stop()
        shutil.rmtree(self.folder)

    def serve(self, body: Any) -> Any:
        """Let the cloud answer."""
        return self.cloud.serve(body, self.edge.clock.machine())

    def receive(self, asked: Asked) -> None:
        """Bring a request to the cloud; its answer is on its way."""
        self.old.append(asked.body)
        asked.answer = self.serve(asked.body)

    def everything_arrives(self) -> None:
        """All that is on its way, in order."""
        for asked in list(self.edge.asked):
            if asked.answer is None:
                self.receive(asked)
            self.edge.hear(asked, asked.answer)

    @precondition(lambda self: any(one.answer is None for one in self.edge.asked))
    @rule(data=st.data(), twice=st.booleans())
    def cloud_receives(self, data: st.DataObject, twice: bool) -> None:  # noqa: FBT001
        asked = data.draw(st.sampled_from([one for one in self.edge.asked if one.answer is None]))
        self.receive(asked)
        if twice:
            self.serve(asked.body)

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def cloud_receives_what_is_old(self, data: st.DataObject) -> None:
        self.serve(data.draw(st.sampled_from(self.old[-20:])))

    @precondition(lambda self: any(one.answer is not None for one in self.edge.asked))
    @rule(data=st.data())
    def edge_hears(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from([one for one in self.edge.asked if one.answer is not None]))
        self.edge.hear(asked, asked.answer)

    @precondition(lambda self: self.edge.asked)
    @rule(data=st.data())
    def request_or_answer_is_lost(self, data: st.DataObject) -> None:
        self.edge.hear(data.draw(st.sampled_from(self.edge.asked)), LOST)

    @rule()
    def cloud_crashes(self) -> None:
        self.cloud.stop()
        self.cloud.start()
