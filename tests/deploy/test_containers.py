"""The containers: valid by the published schema and linters, and the same as what ``./utsushi up`` runs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from issuance_api.centre.settings import settings_from
from municipalities.site import CHECKOUT
from services import airflow_environment, catalogue, world
from services.postgres import SETTINGS

BIN = Path(sys.executable).parent
COMPOSE = CHECKOUT / "docker-compose.yml"
DOCKERFILES = sorted((CHECKOUT / "deploy").glob("Dockerfile.*"))
AIRFLOW = tuple(airflow_environment.PROCESSES)
NODES = ("issuance-1", "issuance-2")
CENTRE_PORT = 8444
# A container's own network is its wall, and its engine collects its output.
ONLY_EMBEDDED_POSTGRES = {"listen_addresses", "unix_socket_directories", "logging_collector"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text("utf-8")))


def service(compose: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(compose["services"][name])


def test_the_file_is_valid_by_the_compose_specification() -> None:
    checked([BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE])


def test_the_file_is_tidy_yaml() -> None:
    rules = "{extends: default, rules: {line-length: {max: 140}}}"
    checked([BIN / "yamllint", "--strict", "-d", rules, COMPOSE])


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_pass_the_linter(dockerfile: Path) -> None:
    checked([BIN / "hadolint", "--failure-threshold", "info", dockerfile])


def checked(command: list[Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_has_the_settings_of_up(compose: dict[str, Any], name: str) -> None:
    host = airflow_environment.container()
    expected = airflow_environment.settings(host)
    if name == "airflow-scheduler":
        expected["PYTHONPATH"] = airflow_environment.scheduler_path(host)
    assert service(compose, name)["environment"] == expected


def test_embedded_and_containers_differ_only_in_what_a_host_decides() -> None:
    embedded = airflow_environment.settings(airflow_environment.embedded(8123))
    container = airflow_environment.settings(airflow_environment.container())
    only_embedded = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"}
    assert set(embedded) - set(container) == only_embedded
    assert set(container) <= set(embedded)
    differing = {key for key in container if container[key] != embedded[key]}
    assert differing == {
        "AIRFLOW_HOME",
        "AIRFLOW__API__HOST",
        "AIRFLOW__API__PORT",
        "AIRFLOW__CORE__AUTH_MANAGER",
        "AIRFLOW__CORE__DAGS_FOLDER",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY",
        *(f"{key}_CMD" for key in airflow_environment.SECRET_FILES),
    }


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_is_started_and_probed_as_by_the_supervisor(compose: dict[str, Any], name: str) -> None:
    """``services.container`` runs ``airflow_environment.PROCESSES[name]``, as the supervisor does."""
    one = service(compose, name)
    assert one["command"] == ["python", "-m", "services.container", name]
    assert one["healthcheck"]["test"] == ["CMD", *one["command"], "--probe"]


def test_each_process_of_up_is_there(compose: dict[str, Any]) -> None:
    up = {one.name for one in catalogue.airflow(airflow_environment.embedded(8123))}
    assert up == set(AIRFLOW) <= set(compose["services"])
    assert {"postgres", "prepare", "balancer", *NODES} <= set(compose["services"])


def test_the_nodes_run_the_command_of_up(compose: dict[str, Any]) -> None:
    """But for the address: in a container a node has its own, and the balancer the shared one."""
    for embedded in catalogue.issuance_nodes({"issuance_api": 8081, "issuance_1": 1, "issuance_2": 2}):
        assert embedded.name in NODES
        command = service(compose, embedded.name)["command"]
        assert command[0] == "python"
        given = [one for one in embedded.command[1:] if one not in ("--own-port", "1", "2")]
        assert command[1:] == [*given[:4], "--host", "0.0.0.0", *given[4:], "--no-address-file"]
        assert "http://127.0.0.1:8081/readyz" in " ".join(service(compose, embedded.name)["healthcheck"]["test"])


def test_the_nodes_of_up_share_the_centres_port_where_it_is_configured() -> None:
    given = {"issuance_api": 1, "centre": 2, "issuance_1": 3, "issuance_2": 4}
    for node in catalogue.issuance_nodes(given, centre=True):
        assert node.command[node.command.index("--centre-port") + 1] == "2"
    assert all("--centre-port" not in one.command for one in catalogue.issuance_nodes(given))


def test_ports_agree_between_containers(compose: dict[str, Any]) -> None:
    host = airflow_environment.container()
    assert service(compose, "airflow-api-server")["ports"] == [f"127.0.0.1:{host.port}:{host.port}"]
    assert host.api_url == f"http://airflow-api-server:{host.port}"
    balancer = (CHECKOUT / "deploy" / "balancer" / "haproxy.cfg").read_text("utf-8")
    plain, centre = ([(name, f"{name}:{port}") for name in NODES] for port in (8081, CENTRE_PORT))
    assert re.findall(r"^\s+server (\S+) (\S+)", balancer, re.M) == plain + centre
    assert service(compose, "balancer")["ports"][0].startswith("127.0.0.1:")  # what is in the clear stays on the host
    published = [one.rsplit(":", 1)[1] for one in service(compose, "balancer")["ports"]]
    assert (
        published == ["8080", str(CENTRE_PORT)] == re.findall(r"^frontend (?!health).*\n\s+bind :(\d+)", balancer, re.M)
    )


def test_the_centres_table_is_shown_as_the_nodes_read_it(tmp_path: Path) -> None:
    """What ``deploy/site.toml`` has as a comment is valid, and agrees with the balancer."""
    text = (CHECKOUT / "deploy" / "site.toml").read_text("utf-8")
    shown = re.sub(r"^# ?", "", text[text.index("# [centre]") :], flags=re.M).replace("…", "0" * 64)
    table = tomllib.loads(shown)["centre"]
    (tmp_path / "secrets").mkdir()
    for name in ("server", "authority", "revoked"):
        (tmp_path / table[name]).touch()
    settings = settings_from(table, tmp_path)
    assert settings.port == CENTRE_PORT
    assert list(settings.clients.values()) == [frozenset({"364894"})]


def test_postgresql_has_the_settings_that_keep_rows_out_of_its_log(compose: dict[str, Any]) -> None:
    command = service(compose, "postgres")["command"]
    given = dict(one.split("=", 1) for one in command if "=" in one)
    assert given == {key: value for key, value in SETTINGS.items() if key not in ONLY_EMBEDDED_POSTGRES}


def test_each_side_is_reached_only_by_those_who_need_it(compose: dict[str, Any]) -> None:
    on: dict[str, set[str]] = {}
    for name, one in compose["services"].items():
        for network in one.get("networks", ()):
            on.setdefault(network, set()).add(name)
    assert on["vendor"] == {"airflow-scheduler"}
    assert on["lgwan"] == {"balancer"}
    assert on["nodes"] == {"balancer", *NODES}
    assert on["database"] == {"postgres", "prepare", *AIRFLOW, *NODES}
    assert on["management"] == {"airflow-api-server"}
    assert set(on) == set(compose["networks"])
    for inner in ("database", "airflow", "nodes"):
        assert compose["networks"][inner] == {"internal": True}


def test_secrets_are_files_and_reach_only_their_readers(compose: dict[str, Any]) -> None:
    for name, one in compose["secrets"].items():
        assert one == {"file": f"./deploy/secrets/{name}"}
    readers = {
        secret: {name for name, one in compose["services"].items() if secret in one.get("secrets", ())}
        for secret in compose["secrets"]
    }
    assert readers["postgres.password"] == {"postgres", "prepare"}
    for key in set(airflow_environment.SECRET_FILES.values()):
        assert readers[key] == {"prepare", *AIRFLOW}
    assert all(readers.values())
    for name in NODES:
        mounts = [one.split(":")[0] for one in service(compose, name)["volumes"]]
        assert mounts == ["./deploy/secrets/issuance"]


@pytest.mark.clause("7(1)② logical split")
def test_a_node_gets_no_password_that_writes_the_replica() -> None:
    sys.path.insert(0, str(CHECKOUT / "deploy"))
    try:
        from make_secrets import hosts_of
    finally:
        sys.path.pop(0)
    assert "issuance" not in {*hosts_of("loader"), *hosts_of("owner")}
    assert "sync" not in {*hosts_of("issuer"), *hosts_of("owner"), *hosts_of("console")}
    assert "issuance" in hosts_of("issuer")
    assert "sync" in hosts_of("loader")


def test_the_simulated_world_is_only_there_when_asked_for(compose: dict[str, Any]) -> None:
    assert {name for name, one in compose["services"].items() if "profiles" in one} == {"vendors"}
    vendors = service(compose, "vendors")
    assert vendors["profiles"] == ["world"]
    assert vendors["network_mode"] == "service:airflow-scheduler"  # no network of its own
    assert tuple(vendors["command"][1:]) == world.services()[0].command[1:]


def test_every_lasting_service_has_a_health_check_and_comes_back(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        if name == "prepare":
            assert one["restart"] == "no"
        else:
            assert one["restart"] == "unless-stopped", name
            assert "healthcheck" in one, name


def test_our_containers_hold_no_rights_that_they_do_not_use(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        if name != "postgres":
            assert one["read_only"] is True, name
            assert one["cap_drop"] == ["ALL"], name
            assert one["security_opt"] == ["no-new-privileges:true"], name


@pytest.mark.parametrize(
    ("dockerfile", "rooms"),
    [
        ("sync", ["dags", "sync", "services"]),
        ("issuance", ["issuance_api"]),
        ("simulators", ["simulators"]),
    ],
)
def test_images_hold_every_room_that_theirs_import_and_no_other(dockerfile: str, rooms: list[str]) -> None:
    import grimp

    packages = sorted(path.parent.name for path in CHECKOUT.glob("*/__init__.py"))
    graph = grimp.build_graph(*packages, cache_dir=None)
    needed = set(rooms)
    for module in graph.modules:
        if module.split(".")[0] in rooms:
            needed |= {one.split(".")[0] for one in graph.find_upstream_modules(module)}
    text = (CHECKOUT / "deploy" / f"Dockerfile.{dockerfile}").read_text("utf-8")
    copied = {target for source, target in re.findall(r"^COPY (\w+) (\w+)$", text, re.M) if source == target}
    assert needed <= copied
    assert copied - needed <= {"forms", "vendor_layouts"}  # data alone, read by path


def test_both_locks_pin_the_same_versions_where_accounts_allow_it() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", path.read_text("utf-8"), re.M))

    plain, container = pins(CHECKOUT / "requirements.txt"), pins(CHECKOUT / "deploy" / "requirements-airflow.txt")
    differing = {name for name, version in plain.items() if container.get(name) != version}
    assert differing <= {"python-dateutil"}  # flask-appbuilder wants the one before
