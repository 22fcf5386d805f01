"""Items in the order of their keys, kept as they change: thousands are not sorted for every look at the first fifty."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, Generic, TypeVar

Key = TypeVar("Key", bound=Any)
PART: Final = 500
"""So many items are looked through before others may change them, or have their turn."""
FEW: Final = 100
"""Up to this many changed items are put in place one by one; if there are more, all are sorted again."""


class Ordered(Generic[Key]):
    """Ids by their keys, the smallest first; what is equal in its key stands in the order of ids."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._order: list[tuple[Key, str]] = []

    def copied(self) -> Ordered[Key]:
        """Another one that shares nothing with this one."""
        other = Ordered[Key]()
        other._keys, other._order = {**self._keys}, [*self._order]
        return other

    def place(self, keys: Mapping[str, Key], gone: Iterable[str]) -> None:
        """Give each of ``keys`` its place, and take ``gone`` out."""
        if len(keys) > FEW:
            without = {*gone}
            self._keys = {item: key for item, key in self._keys.items() if item not in without} | {**keys}
            self._order = sorted((key, item) for item, key in self._keys.items())
            return
        for item in (*gone, *keys):
            if item in self._keys:
                del self._order[bisect_left(self._order, (self._keys.pop(item), item))]
        for item, key in keys.items():
            self._keys[item] = key
            insort(self._order, (key, item))

    def key(self, item: str) -> Key | None:
        """The key of an item; None without a place."""
        return self._keys.get(item)

    def before(self, item: str) -> tuple[int, str | None] | None:
        """How many items stand before one, and the one directly before it; None without a place."""
        if item not in self._keys:
            return None
        number = bisect_left(self._order, (self._keys[item], item))
        return number, self._order[number - 1][1] if number else None

    def __contains__(self, item: str) -> bool:
        return item in self._keys

    def __iter__(self) -> Iterator[str]:
        return (item for _, item in self._order)

    def parts(self, last: tuple[Key, str] | None, size: int) -> Iterator[list[str]]:
        """The items behind a place, so many at a time. The order may change between two of them."""
        start = 0 if last is None else bisect_right(self._order, last)
        while part := self._order[start : start + size]:
            yield [item for _, item in part]
            start = bisect_right(self._order, part[-1])

    def among(self, items: Collection[str] | None, last: tuple[Key, str] | None) -> Iterator[str]:
        """Those of the items (None: all) that are behind a place, in order. The order may change while they are looked
        through: an item that moves back meanwhile may come twice.
        """
        if items is None:
            return chain.from_iterable(self.parts(last, PART))
        keys = self._keys
        behind = [item for item in items if item in keys and (last is None or (keys[item], item) > last)]
        behind.sort()  # what is equal in its key stays in the order of ids; comparing pairs of both takes longer
        behind.sort(key=keys.__getitem__)
        return iter(behind)
