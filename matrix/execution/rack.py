"""The shells of one cell: opened when first used, kept open, and never more than the host bears."""

from collections import OrderedDict
from collections.abc import Callable

from matrix.core.ports import Shell
from matrix.core.result import Side

#: Whose shell it is: the side, and the companion ("" is the service or the machine).
Place = tuple[Side, str]


class ShellRack:
    """Open shells by place; the one unused for longest makes room for the next."""

    def __init__(self, open_shell: Callable[[Place], Shell], *, room: int) -> None:
        self._open = open_shell
        self._room = room
        self._shells: OrderedDict[Place, Shell] = OrderedDict()

    def shell(self, place: Place) -> Shell:
        """The shell of *place*, opened if need be; raises what opening it raises."""
        if place not in self._shells:
            self.make_room()
            self._shells[place] = self._open(place)
        self._shells.move_to_end(place)
        return self._shells[place]

    def make_room(self) -> None:
        """Close the oldest shells until one more session fits on the host."""
        while len(self._shells) >= self._room:
            _, oldest = self._shells.popitem(last=False)
            oldest.close()

    def drop(self, place: Place) -> None:
        """Close the shell of *place*; the next use opens another."""
        shell = self._shells.pop(place, None)
        if shell is not None:
            shell.close()

    def drop_inside(self, target: str) -> None:
        """Close the shell inside a container that is about to stop."""
        self.drop((Side.INSIDE, target))

    def close(self) -> None:
        """Close all of them; never raises."""
        for place in list(self._shells):
            self.drop(place)
