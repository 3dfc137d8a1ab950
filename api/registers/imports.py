"""`/v1/registers/vehicles/import`: many vehicles at once, from a list as CSV.

The list is received whole, into a file, before anything is done: then it is read twice, first for
its faults, then in pieces for the database, all of them in one transaction.
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, ClassVar

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, Parameters
from api.principal import Principal
from api.problems import MEDIA_TYPE, Problem, ProblemError
from api.registers import vehicle_list
from api.registers.vehicle_list import GoodLine
from api.registers.vehicles import VEHICLES
from api.services import App
from api.written import IN_MEMORY, BodyFile, WriteRoute

IMPORT = f"{VEHICLES}/import"

SHORT = 256 * 1024
"""Bytes of an answer that is sent in one piece."""


class ImportRoute(WriteRoute):
    """The route of the list."""

    media_type: ClassVar[str] = "text/csv"


router = APIRouter(tags=["registers"], route_class=ImportRoute)

FAULT_EXAMPLE: JsonDict = {
    "line": 3,
    "column": "region",
    "value": "Shanghai",
    "reason": "This is no region.",
    "way_out": "Write ISO 3166-2, such as CN-31, or the country alone.",
}
EXAMPLE: JsonDict = {
    "is_written": True,
    "good_lines": 2,
    "bad_lines": 1,
    "registered": 1,
    "changed": 1,
    "unchanged": 0,
    "faults": [FAULT_EXAMPLE],
}


class LineFault(BaseModel):
    """Why a line cannot be taken."""

    line: int = Field(description="As an editor counts; the header is 1.", examples=[3])
    column: str | None = Field(
        description="Which cell; null: the line as a whole.", examples=["region"]
    )
    value: str | None = Field(
        description="What stands there, shortened; null: it cannot be shown.",
        examples=["Shanghai"],
    )
    reason: str = Field(description="What is wrong with it.", examples=["This is no region."])
    way_out: str = Field(
        description="What would do.", examples=["Write ISO 3166-2, such as CN-31."]
    )


class ImportReport(BaseModel):
    """What became of a list of vehicles; with `dry_run` what would."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    is_written: bool = Field(description="Whether anything was written.", examples=[True])
    good_lines: int = Field(description="Lines that can be taken.", examples=[2])
    bad_lines: int = Field(description="Lines that cannot.", examples=[1])
    registered: int = Field(description="New vehicles.", examples=[1])
    changed: int = Field(description="Known vehicles of which a line says news.", examples=[1])
    unchanged: int = Field(description="Known vehicles that are as their lines say.", examples=[0])
    faults: list[LineFault] = Field(description="Every fault of every bad line.")


class ImportRefused(Problem):
    """A list that has bad lines: nothing was written."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:telemetry:problem:bad_lines",
                    "title": "The list has bad lines",
                    "status": 422,
                    "code": "bad_lines",
                    "detail": "1 of 3 lines cannot be taken; nothing was written.",
                    "way_out": "Correct the lines, or send it with partial=true.",
                    "faults": [],
                    "report": {**EXAMPLE, "is_written": False},
                }
            ]
        }
    )

    report: ImportReport | None = Field(
        default=None, description="Line by line; with bad_lines, and with no other code."
    )


class ImportQuery(Parameters):
    """How a list is taken."""

    dry_run: bool = Field(
        default=False, description="Only tell what would be done.", examples=[True]
    )
    partial: bool = Field(
        default=False,
        description="Write the good lines although others are bad.",
        examples=[False],
    )


class Checked:
    """A list whose faults are known: how many lines are good, and a file of what is wrong."""

    def __init__(self, file: IO[bytes]) -> None:
        self.good = self.bad = 0
        self._faults: IO[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - `told` closes it
            max_size=IN_MEMORY
        )
        for line in vehicle_list.read(file):
            if isinstance(line, GoodLine):
                self.good += 1
                continue
            self.bad += 1
            for fault in line:
                told = LineFault(
                    line=fault.line,
                    column=fault.column,
                    value=fault.value,
                    reason=fault.reason,
                    way_out=fault.way_out,
                )
                comma = b"," if self._faults.tell() else b""
                self._faults.write(comma + told.model_dump_json().encode())
        file.seek(0)

    def told(self, head: dict[str, Any]) -> Iterator[bytes]:
        """A JSON object of these members with the faults as its last one, in pieces, once."""
        with self._faults:
            yield json.dumps(head, ensure_ascii=False).encode()[:-1] + b', "faults": ['
            self._faults.seek(0)
            while piece := self._faults.read(vehicle_list.MAX_LINE_BYTES * 16):
                yield piece
            yield b"]}"

    def close(self) -> None:
        """Forget what is wrong with it."""
        self._faults.close()

    @property
    def length(self) -> int:
        """Bytes of the faults."""
        self._faults.seek(0, 2)
        return self._faults.tell()


_ANSWERS = problems(Code.NOT_YOURS, Code.BAD_LINES, Code.INVALID_PARAMETER, *WRITING)
_ANSWERS[HTTPStatus.UNPROCESSABLE_ENTITY.value]["model"] = ImportRefused
del _ANSWERS[HTTPStatus.UNPROCESSABLE_ENTITY.value]["content"]


@router.post(
    IMPORT,
    operation_id="import_vehicles",
    summary="Register and change vehicles by a list",
    response_model=ImportReport,
    responses=_ANSWERS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {
                    "schema": {
                        "type": "string",
                        "description": f"Columns {', '.join(vehicle_list.COLUMNS)}, UTF-8, commas.",
                        "examples": [f"vin,model,plate\n{EXAMPLE_VIN},GTL,沪A12345\n"],
                    }
                }
            },
        }
    },
)
async def import_vehicles(
    query: Annotated[ImportQuery, Query()], file: BodyFile, services: App, party: Principal
) -> Response:
    """Take a list of vehicles; the maker may.

    New ones are registered; of others what a line says is changed and what it leaves empty stays.
    All lines are looked at first; where one is bad nothing is written, unless `partial` says so.
    Every fault is told with its line, column, value and way out.
    """
    checked = await run_in_threadpool(Checked, file)  # a second's work, where the list is long
    is_refused = checked.bad > 0 and not query.partial and not query.dry_run
    writes = not (query.dry_run or is_refused)
    counts = {"registered": 0, "changed": 0, "unchanged": 0}
    try:
        async with services.reader.together():
            # Also where there is nothing to write: who may not is told so.
            for piece in vehicle_list.pieces(file) if checked.good else [[]]:
                done = await services.registers.import_vehicles(party, piece, writes=writes)
                counts["registered"] += done.registered
                counts["changed"] += done.changed
                counts["unchanged"] += done.unchanged
    except BaseException:
        checked.close()
        raise
    head = {
        "is_written": writes and checked.good > 0,
        "good_lines": checked.good,
        "bad_lines": checked.bad,
        **counts,
    }
    if not is_refused:
        return _sent(checked, checked.told(head), HTTPStatus.OK, "application/json")
    problem = ProblemError(
        code=Code.BAD_LINES,
        detail=f"{checked.bad:,} of {checked.good + checked.bad:,} lines cannot be taken; nothing "
        "was written.",
        way_out="Correct the lines that `report` lists, or send it with partial=true.",
    )
    begun = problem.problem().model_dump_json().encode()[:-1] + b', "report": '
    told = (piece for part in ([begun], checked.told(head), [b"}"]) for piece in part)
    return _sent(checked, told, problem.status, MEDIA_TYPE)


def _sent(checked: Checked, told: Iterator[bytes], status: int, media_type: str) -> Response:
    if checked.length <= SHORT:
        return Response(b"".join(told), status_code=status, media_type=media_type)
    return StreamingResponse(told, status_code=status, media_type=media_type)
