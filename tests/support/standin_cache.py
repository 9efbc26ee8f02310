"""What the router does with its cache when it starts, and for its first answer: run beside it, in its container.

It knows nothing but the mounted ``config.yaml`` and the environment of the container. It makes the index or the
collection when the file says so, keeps one answer and finds it again, and prints what the server then says.
"""

import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.router_loader import load

CONFIG = Path("/app/config/config.yaml")
ENTRY = "entry"

type Settings = Mapping[str, Any]


def ask_redis(given: Settings) -> dict[str, Any]:
    """Use a Redis, or a Valkey, with a search module."""
    import redis  # noqa: PLC0415 - each backend only loads its own client

    connection, index = given["connection"], given["index"]
    client: Any = redis.Redis(
        host=connection["host"],
        port=connection["port"],
        db=connection["database"],
        password=connection.get("password") or None,
        socket_timeout=connection["timeout"],
        decode_responses=True,
        **_redis_encryption(connection["tls"]),
    )
    if given["development"]["auto_create_index"]:
        client.execute_command(*_index_command(index))
    field, vector = index["vector_field"]["name"], _unit(index["vector_field"]["dimension"])
    packed = struct.pack(f"<{len(vector)}f", *vector)
    client.hset(f"{index['prefix']}{ENTRY}", mapping={field: packed})
    query = f"*=>[KNN {given['search']['topk']} @{field} $vector AS distance]"
    found = client.execute_command(
        "FT.SEARCH", index["name"], query, "PARAMS", 2, "vector", packed, "NOCONTENT", "DIALECT", 2
    )
    return {"said": client.ft(index["name"]).info(), "found": [hit["id"] for hit in found["results"]]}


def _index_command(index: Settings) -> list[Any]:
    vector = index["vector_field"]
    attributes = ["TYPE", "FLOAT32", "DIM", vector["dimension"], "DISTANCE_METRIC", vector["metric_type"]]
    if index["index_type"] == "HNSW":
        parameters = index["params"]
        attributes += ["M", parameters["M"], "EF_CONSTRUCTION", parameters["efConstruction"]]
    return [
        *("FT.CREATE", index["name"], "ON", "HASH", "PREFIX", 1, index["prefix"], "SCHEMA"),
        *(vector["name"], "VECTOR", index["index_type"], len(attributes), *attributes),
    ]


def _redis_encryption(tls: Settings) -> dict[str, Any]:
    if not tls["enabled"]:
        return {}
    files = {"ca_file": "ssl_ca_certs", "cert_file": "ssl_certfile", "key_file": "ssl_keyfile"}
    return {"ssl": True, **{name: tls[key] for key, name in files.items() if tls.get(key)}}


def ask_milvus(given: Settings) -> dict[str, Any]:
    """Use a Milvus."""
    from pymilvus import DataType, MilvusClient  # noqa: PLC0415 - each backend only loads its own client

    collection, index = given["collection"], given["collection"]["index"]
    client = MilvusClient(**_milvus_connection(given["connection"]))
    vector, name = collection["vector_field"], collection["name"]
    if given["development"]["auto_create_collection"]:
        schema = client.create_schema(auto_id=False, description=collection["description"])
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field(vector["name"], DataType.FLOAT_VECTOR, dim=vector["dimension"])
        parameters = client.prepare_index_params()
        parameters.add_index(
            vector["name"],
            index_type=index["type"],
            metric_type=vector["metric_type"],
            params=index["params"],
        )
        client.create_collection(
            name,
            schema=schema,
            index_params=parameters,
            consistency_level=given["search"]["consistency_level"],
        )
    sample = _unit(vector["dimension"])
    client.insert(name, [{"id": ENTRY, vector["name"]: sample}])
    found = client.search(
        name, [sample], anns_field=vector["name"], limit=given["search"]["topk"],
        search_params={"metric_type": vector["metric_type"], "params": given["search"]["params"]},
    )  # fmt: skip
    said = {
        "collection": client.describe_collection(name),
        "index": client.describe_index(name, vector["name"]),
    }
    return {"said": said, "found": [hit["id"] for hit in found[0]]}


def _milvus_connection(connection: Settings) -> dict[str, Any]:
    tls, auth = connection["tls"], connection["auth"]
    scheme = "https" if tls["enabled"] else "http"
    options: dict[str, Any] = {
        "uri": f"{scheme}://{connection['host']}:{connection['port']}",
        "db_name": connection["database"],
        "timeout": connection["timeout"],
    }
    if auth["enabled"]:
        options |= {"user": auth["username"], "password": auth["password"]}
    if tls["enabled"]:
        files = {"ca_file": "ca_pem_path", "cert_file": "client_pem_path", "key_file": "client_key_path"}
        options |= {"secure": True, **{name: tls[key] for key, name in files.items() if tls.get(key)}}
    return options


def _unit(dimension: int) -> list[float]:
    """Return a vector of length 1: as near to itself as can be in every metric."""
    return [1.0, *[0.0] * (dimension - 1)]


BACKENDS: Mapping[str, Callable[[Settings], dict[str, Any]]] = {
    "redis": ask_redis,
    "valkey": ask_redis,
    "milvus": ask_milvus,
}


def main() -> int:
    """Use the cache that the configuration names, and print a JSON object."""
    document = load(CONFIG.read_text(encoding="utf-8"), os.environ).document
    store = document["global"]["stores"]["response_cache"]
    backend = store["backend_type"]
    report = BACKENDS[backend](store[backend])
    print(json.dumps(report, default=str))  # noqa: T201 - its output is its interface
    return 0
