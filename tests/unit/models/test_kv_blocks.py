from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccit.models.kv_blocks import PADDING, KvBlocks, Reservation

NUMBER, SIZE = 9, 2


class BlocksMachine(RuleBasedStateMachine):
    """Sequences come and go in any order; what a block holds is what its first owner wrote there."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = KvBlocks(NUMBER, SIZE)
        self.held: list[Reservation] = []
        self.content: dict[int, tuple[str, tuple[int, ...]]] = {}  # block -> root and all tokens up to its end

    @rule(
        root=st.sampled_from("ab"), prompt=st.lists(st.integers(0, 1), min_size=1, max_size=9), more=st.integers(0, 4)
    )
    def reserve(self, root: str, prompt: list[int], more: int) -> None:
        free = self.blocks.free
        found = self.blocks.reserve(root, prompt, len(prompt) + more)
        if found is None:
            assert self.blocks.needed(len(prompt) + more) > free - len(prompt) // SIZE
            return
        assert len(found.blocks) == self.blocks.needed(len(prompt) + more)
        assert found.shared * SIZE < len(prompt)
        for number, block in enumerate(found.blocks[: found.shared], start=1):
            assert self.content[block] == (root, tuple(prompt[: number * SIZE]))
        for block in found.blocks[found.shared :]:
            assert block not in {other for one in self.held for other in one.blocks}
            self.content.pop(block, None)
        self.held.append(found)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def computed(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.held))
        for number in range(one.shared, len(one.prompt) // SIZE):
            self.content[one.blocks[number]] = (str(one.root), one.prompt[: (number + 1) * SIZE])
        self.blocks.computed(one)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.blocks.release(self.held.pop(data.draw(st.integers(0, len(self.held) - 1))))

    @invariant()
    def nothing_is_lost(self) -> None:
        used = {block for one in self.held for block in one.blocks}
        assert PADDING not in used
        assert self.blocks.used == len(used)
        assert self.blocks.free == NUMBER - 1 - len(used) >= self.blocks.kept


TestBlocks = BlocksMachine.TestCase
TestBlocks.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
