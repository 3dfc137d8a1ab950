"""frame.proto, the Python made from it, our names for it and its documentation say the same."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from ingest.kafka.fetching import MAX_HEADERS
from ingest.record import Reason
from ingest.settings import IngestSettings
from schemas import catalogue as catalogues
from schemas import frame_pb2
from schemas.wire import (
    MAX_FRAMES,
    ContentType,
    Lamp,
    Refusal,
    TriggerType,
    decode,
    encode_protobuf,
)
from schemas.wire.event import MAX_TEXT
from schemas.wire.json import MAX_JSON_BYTES
from schemas.wire.message import MAX_EVENTS, MAX_ROWS
from schemas.wire.protobuf import MAX_PROTOBUF_BYTES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "wire-format.md").read_text(encoding="utf-8")
MIB = 2**20


def example(language: str) -> str:
    [text] = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.mark.skipif(
    find_spec("grpc_tools") is None, reason="grpcio-tools, which has protoc, is not installed"
)
def test_the_committed_python_is_what_protoc_makes_of_frame_proto(tmp_path: Path) -> None:
    made = tmp_path / "frame.binpb"
    command = ["-m", "grpc_tools.protoc", "-I.", f"--descriptor_set_out={made}"]
    subprocess.run(
        [sys.executable, *command, f"--pyi_out={tmp_path}", "schemas/frame.proto"],
        cwd=ROOT,
        check=True,
    )
    [fresh] = FileDescriptorSet.FromString(made.read_bytes()).file
    committed = FileDescriptorProto()
    frame_pb2.DESCRIPTOR.CopyToProto(committed)
    for field in (field for message in fresh.message_type for field in message.field):
        field.ClearField("json_name")  # protoc's own addition for descriptor sets
    assert committed == fresh
    made_stub = (tmp_path / "schemas" / "frame_pb2.pyi").read_text(encoding="utf-8")
    assert (ROOT / "schemas" / "frame_pb2.pyi").read_text(encoding="utf-8") == made_stub


def test_every_trigger_and_lamp_of_the_schema_has_our_name_and_no_other() -> None:
    triggers = [
        name.removeprefix("TRIGGER_TYPE_")
        for name in frame_pb2.TriggerType.DESCRIPTOR.values_by_name
    ]
    assert triggers == ["UNSPECIFIED", *TriggerType]
    assert [
        name.removeprefix("LAMP_") for name in frame_pb2.Lamp.DESCRIPTOR.values_by_name
    ] == list(Lamp)


def test_the_guides_two_examples_are_the_same_message() -> None:
    batch = text_format.Parse(example("textproto"), frame_pb2.FrameBatch())
    catalogue = catalogues.default()
    from_json = decode(ContentType.JSON, example("json").encode(), catalogue)
    from_protobuf = decode(ContentType.PROTOBUF, batch.SerializeToString())
    assert encode_protobuf(from_json) == encode_protobuf(from_protobuf)
    assert from_json.unknown_signals == ()
    assert from_json.frame_count == 2
    assert len(from_json.events) == 2


def test_the_guides_python_makes_a_message_that_decodes() -> None:
    before_kafka, _, _ = example("python").partition("producer = ")
    scope: dict[str, object] = {}
    source = before_kafka.replace("from kafka import KafkaProducer\n", "")
    exec(source + "payload = encode_protobuf(message)", scope)  # noqa: S102 - our own document
    payload = scope["payload"]
    assert isinstance(payload, bytes)
    [block] = decode(ContentType.PROTOBUF, payload).blocks
    assert block.wide_values.tolist() == [[1234567.005], [1234567.027]]


def test_the_guides_shell_line_is_a_message_that_decodes() -> None:
    [payload] = re.findall(r"^  '(\{.*\})' \|$", example("sh"), re.MULTILINE)
    assert decode(ContentType.JSON, payload.encode()).frame_count == 1


def test_the_guide_lists_every_refusal_once_in_the_order_of_the_code() -> None:
    _, _, table = GUIDE.partition("## Refusals")
    # What cannot be read comes first, then what ingest refuses of a well-formed message.
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [*Refusal, *Reason]


def test_the_guide_lists_every_trigger_and_lamp() -> None:
    _, _, rest = GUIDE.partition("Triggers: ")
    listed, _, lamps = rest.partition("Lamps: ")
    assert re.findall(r"`(\w+)`", listed) == list(TriggerType)
    assert re.findall(r"`(\w+)`", lamps.partition("\n")[0]) == list(Lamp)


def test_the_guide_and_the_schema_tell_the_limits_that_hold() -> None:
    limits = {
        "frames (distinct times)": f"{MAX_FRAMES}",
        "rows of all blocks": f"{MAX_ROWS:,}",
        "events": f"{MAX_EVENTS:,}",
        "bytes of a message": f"{MAX_PROTOBUF_BYTES // MIB} MiB of Protobuf,"
        f" {MAX_JSON_BYTES // MIB} MiB of JSON",
        "headers of a message": f"{MAX_HEADERS:,}",
        "bytes that a compressed record batch inflates to": (
            f"{IngestSettings.model_fields['inflated_batch_bytes'].default // MIB} MiB"
        ),
        "text (trigger detail, driver id)": f"{MAX_TEXT} printable",
    }
    for what, value in limits.items():
        assert f"| {what} | {value}" in GUIDE
    schema = (ROOT / "schemas" / "frame.proto").read_text(encoding="utf-8")
    assert f"1 to {MAX_FRAMES} frames" in schema
    assert f"At most {MAX_ROWS} rows" in schema
    assert f"At most {MAX_EVENTS}." in schema
    assert f"at most {MAX_TEXT} printable" in schema
