"""Making the cubes of a day while its profiles go by.

Belongs here: grouping batches and merging the groups; never all rows are held. Does not belong
here: which cubes there are (`cubes.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.serving.cubes import CUBES, MOST_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterator

# Groups of single batches that wait to be merged; each costs about 100 bytes.
_MOST_WAITING = 2 * MOST_CELLS

# A cube that is hardly smaller than the profiles is no quicker either, and doubles what is written;
# one of so few cells costs nothing.
_SMALL_CELLS = 10_000
_ROWS_A_CELL = 4


class CubeMaker:
    """The cubes of one day.

    Args:
        most_cells: Rows that a cube may have; one that has more is given up.
    """

    def __init__(self, most_cells: int = MOST_CELLS) -> None:
        self._most_cells = most_cells
        self._rows = 0
        self._waiting: dict[str, list[Any]] = {cube: [] for cube in CUBES}

    def add(self, batch: Any) -> None:
        """Count a batch of profiles, as `served_rows` makes them."""
        import pyarrow as pa

        self._rows += batch.num_rows
        rows = pa.Table.from_batches([batch])
        for cube, parts in list(self._waiting.items()):
            dimensions = list(CUBES[cube])
            grouped = rows.group_by(dimensions, use_threads=False).aggregate(
                [([], "count_all"), ("pv", "sum")]
            )
            parts.append(grouped.select([*dimensions, "count_all", "pv_sum"]))
            if sum(part.num_rows for part in parts) > _MOST_WAITING:
                self._merge(cube)

    def cubes(self) -> Iterator[tuple[str, Any]]:
        """Yield each cube that is not too large: its name, and a `pyarrow.Table`.

        Columns are its dimensions, `users` and `pv`; rows are in their order.
        """
        import pyarrow.compute as pc

        for cube in list(self._waiting):
            self._merge(cube)
        most = max(_SMALL_CELLS, self._rows // _ROWS_A_CELL)
        for cube in list(self._waiting):
            for merged in self._waiting.get(cube, []):
                if merged.num_rows > most:
                    continue
                table = merged.rename_columns([*CUBES[cube], "users", "pv"])
                zero = pc.fill_null(table.column("pv"), 0)
                table = table.set_column(table.num_columns - 1, "pv", zero)
                yield cube, table.sort_by([(name, "ascending") for name in CUBES[cube]])

    def _merge(self, cube: str) -> None:
        import pyarrow as pa

        parts = self._waiting[cube]
        if not parts:
            return
        dimensions = list(CUBES[cube])
        merged = (
            pa.concat_tables(parts)
            .group_by(dimensions, use_threads=False)
            .aggregate([("count_all", "sum"), ("pv_sum", "sum")])
            .select([*dimensions, "count_all_sum", "pv_sum_sum"])
            .rename_columns([*dimensions, "count_all", "pv_sum"])
        )
        if merged.num_rows > self._most_cells:
            del self._waiting[cube]
        else:
            self._waiting[cube] = [merged]
