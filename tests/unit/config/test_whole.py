from __future__ import annotations

from pathlib import Path

import pytest

from ccit.config import Config, load_config
from ccit.errors import ConfigError
from ccit.plugin_tables import found
from ccit.selection.checks.ifd import IfdCheck
from ccit.selection.checks.length import LengthCheck
from ccit.training.sources.general import GeneralSource


def written(folder: Path, text: str) -> Path:
    path = folder / "ccit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def length(config: Config) -> LengthCheck.Settings:
    settings = found(config.selection.checks, LengthCheck.Settings)
    assert settings is not None
    return settings


def ifd(config: Config) -> IfdCheck.Settings:
    settings = found(config.selection.checks, IfdCheck.Settings)
    assert settings is not None
    return settings


def test_the_defaults_are_the_papers() -> None:
    config = load_config(None)
    assert (config.rounds.size, config.rounds.validation_share) == (1000, 0.1)
    assert found(config.rounds.sources, GeneralSource.Settings) == GeneralSource.Settings(ratio=1.0)
    assert (length(config).min, ifd(config).min, ifd(config).max) == (800, 0.6, 1.0)


def test_a_file_sets_a_key_and_leaves_the_others(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "[rounds]\nsize = 64\n"))
    assert config.rounds.size == 64
    assert config.rounds.min_size == Config().rounds.min_size


def test_the_environment_wins_over_the_file_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIT_ROUNDS__SIZE", "77")
    monkeypatch.setenv("CCIT_KAFKA__CLIENT", '{"security.protocol": "SSL"}')
    config = load_config(written(tmp_path, "[rounds]\nsize = 64\nmin_size = 20\n"))
    assert (config.rounds.size, config.rounds.min_size) == (77, 20)
    assert config.kafka.client == {"security.protocol": "SSL"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[rounds]\nsizes = 64\n", "rounds.sizes"),
        ("[round]\nsize = 64\n", "round"),
        ("[rounds]\nsize = 'many'\n", "rounds.size"),
        ("[rounds]\nsize = 3\n", "rounds.size"),
        ("[kafka]\ngroup_protocol = 'modern'\n", "kafka.group_protocol"),
        ("[serving]\nport = 70000\n", "serving.port"),
        ("[selection.checks.length]\nmin = 30000\n", r"selection.checks.length: .*min \(30000\) is above max"),
        ("[selection.checks.ifd]\nmin = 1.5\n", r"selection.checks.ifd: .*min \(1.5\) is not below max"),
        ("[selection]\nmin_ifd = 1.5\n", "selection.min_ifd: this key is now selection.checks.ifd.min"),
        ("[selection]\nmax_ifd = 1.5\n", "this key is now selection.checks.ifd.max"),
        ("[selection]\nmax_tokens = 64\n", "this key is now selection.checks.ifd.max_tokens"),
        ("[selection]\nbatch_tokens = 64\n", "this key is now selection.checks.ifd.batch_tokens"),
        ("[selection]\nmin_length = 5\n", "this key is now selection.checks.length.min"),
        ("[selection]\nmax_length = 5\n", "this key is now selection.checks.length.max"),
        ("[selection]\nlength_unit = 'tokens'\n", "this key is now selection.checks.length.unit"),
        ("[selection]\nlanguages = ['en']\n", "this key is now selection.checks.language.languages"),
        ("[selection]\nmax_similarity = 0.5\n", "this key is now selection.checks.novelty.max_similarity"),
        ("[selection]\nmin_diversity = 0.5\n", "this key is now selection.checks.diversity.min"),
        ("[selection]\nrule = 'random'\n", "this key is now selection.policy.kind"),
        ("[selection]\nrandom_share = 0.5\n", "this key is now selection.policy.share"),
        ("[selection.policy]\nkind = 'threshold'\n", "expected a policy of the kinds .*did you mean 'thresholds'"),
        ("[selection.policy]\nkind = 'random'\nshare = 2\n", "selection.policy.random.share"),
        ("[rounds]\nmax_age_seconds = 60\n", "this key is now rounds.triggers.age.max_seconds"),
        ("[rounds]\ngeneral_ratio = 1\n", "this key is now rounds.sources.general.ratio"),
        ("[rounds]\ngeneral_file = 'a'\n", "this key is now rounds.sources.general.file"),
        ("[rounds]\nreplay_ratio = 1\n", "this key is now rounds.sources.replay.ratio"),
        ("[[training.methods]]\nkind = 'emma'\n", "a method of the kinds .*found 'emma'; did you mean 'ema'"),
        ("[[training.methods]]\nstrength = 1\n", "training.methods: expected `kind`, one of .*ema"),
        (2 * "[[training.methods]]\nkind = 'ema'\n", "training.methods: .*each kind once, found ema, ema"),
        (
            f"[training]\nstart = 'store://{64 * '0'}'\n[[training.methods]]\nkind = 'o_lora'\n",
            "training: .*start names an imported adapter, which 'o_lora' in methods would train over",
        ),
        ("[training]\nbatch_tokens = 'most'\n", "training.batch_tokens: .*at least 64, or 'auto'.*found 'most'"),
        ("[training]\nbatch_tokens = 63\n", "training.batch_tokens: .*at least 64, or 'auto'.*found 63"),
        ("[training.batcher]\nkind = 'bucket'\n", "a batcher of the kinds .*did you mean 'bucketed'"),
        ("[rounds.planner]\nkind = 'oldest'\n", "a planner of the kinds .*found 'oldest'; did you mean 'oldest_first'"),
        ("[rounds.sources.reply]\n", "a source of the kinds .*found 'reply'; did you mean 'replay'"),
        (
            "[evaluation]\nmax_new_tokens = 128\n",
            r"evaluation.max_new_tokens = 128 .*checks.length.min = 800",
        ),
        ("[serving]\nmax_new_tokens = 128\n", r"serving.max_new_tokens = 128 .*selection.checks.length.min = 800"),
        ("[training]\nmax_tokens = 128\n", r"training.max_tokens = 128 .*selection.checks.length.min = 800"),
        ("[selection.checks.ifd]\nmax_tokens = 128\n", r"checks.ifd.max_tokens = 128 .*checks.length.min = 800"),
        ("[rounds]\nsize = 20\nmin_size = 21\n", "rounds.min_size = 21 is above rounds.size = 20"),
        ("[evaluation.criteria.forgetting]\nmax_points = 0\n", "forgetting.max_points: .*greater than 0"),
        ("[evaluation]\ndomain_suite = 'a'\n", "this key is now evaluation.suites.domain"),
        ("[evaluation]\ngeneral_suite = 'a'\n", "this key is now evaluation.suites.general"),
        ("[evaluation]\nmin_gain_points = 1\n", "this key is now evaluation.criteria.gain.min_points"),
        ("[evaluation]\nmax_forgetting_points = 1\n", "this key is now evaluation.criteria.forgetting.max_points"),
        ("[evaluation]\nmax_fault_points = 1\n", "this key is now evaluation.criteria.faults.max_points"),
        ("[evaluation.suites]\n'a b' = 'x'\n", "evaluation.suites: .*plain name of a suite"),
        ("[evaluation.criteria.gains]\n", "expected a criterion of the kinds .*did you mean 'gain'"),
        ("[evaluation.metric]\nkind = 'rouge'\n", "expected a metric of the kinds .*did you mean 'rouge_l'"),
        ("[rounds.triggers.ages]\n", "a trigger of the kinds .*found 'ages'; did you mean 'age'"),
        ("[rounds.triggers.age]\nmax_second = 3\n", "the trigger 'age' takes max_seconds; did you mean 'max_seconds'"),
        ("[rounds.triggers.size]\nsize = 3\n", "rounds.triggers.size.size: .*the trigger 'size' takes no keys"),
        ("[rounds.triggers.age]\nmax_seconds = 0\n", r"rounds.triggers.age.max_seconds: .*greater than 0"),
        ("[serving]\ntoken = 'schlüssel'\n", "serving.token.*visible ASCII"),
        ("[models]\nalias = ''\n", "models.alias.*plain name"),
        ("[models]\nalias = 'ccit@1'\n", "models.alias.*plain name"),
        ("[models]\nalias = 'a b'\n", "models.alias.*plain name"),
        ("size = \n", "not valid TOML"),
    ],
)
def test_what_cannot_work_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        load_config(written(tmp_path, text))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[rounds]\nsize = 20\n",  # the default of `min_size` is above it, and gives way
        "[evaluation]\nmax_new_tokens = 8\n[selection.checks]\nlength = false\n",
        "[evaluation]\nmax_new_tokens = 8\n[selection.checks.length]\nmin = 30\n",
        "[training]\nmax_tokens = 64\n[selection.checks.length]\nunit = 'sentences'\nmin = 32\nmax = 64\n",
    ],
)
def test_limits_that_can_both_be_meant_are_taken(tmp_path: Path, text: str) -> None:
    load_config(written(tmp_path, text))


def test_a_wrong_variable_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIT_ROUNDS__SIZE", "many")
    with pytest.raises(ConfigError, match=r"rounds\.size"):
        load_config(None)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_that_is_not_finite_is_refused(tmp_path: Path, number: str) -> None:
    """`gain < nan` is never true: the gate would be open."""
    (tmp_path / "ccit.toml").write_text(f"[evaluation.criteria.gain]\nmin_points = {number}\n")
    with pytest.raises(ConfigError, match="finite number"):
        load_config(tmp_path / "ccit.toml")


@pytest.mark.parametrize(
    "text",
    [
        "[serving]\ntoken = 'hunter 2'\n",
        "[serving]\ntoken = ['hunter']\n",
        "[serving]\ntokn = 'hunter2'\n",
        "[kafka]\nclient = 'hunter2'\n",
        "[kafka.client]\n'sasl.password' = ['hunter2']\n",
        "serving = ['hunter2']\n",
        "[selection.checks.ifd]\nmin = 1.5\n[serving]\ntoken = 'hunter2'\n",
    ],
)
def test_an_error_quotes_no_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, text))
    assert "hunter" not in str(caught.value)


def test_a_variable_that_is_not_json_is_an_error_that_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIT_KAFKA__CLIENT", '{"sasl.password": "hunter2')
    with pytest.raises(ConfigError, match=r"CCIT_\*") as caught:
        load_config(None)
    assert "hunter" not in str(caught.value)


def test_a_missing_file_and_a_binary_one_are_errors_that_name_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.toml is not valid TOML"):
        load_config(tmp_path / "binary.toml")


def test_the_digest_follows_what_shapes_a_round_and_nothing_else(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        return load_config(written(tmp_path, text)).training_digest()

    same = digest("")
    assert digest("[serving]\nport = 9\n") == digest("[kafka]\nprefix = 'x.'\n") == same
    assert digest("[rounds]\nnightly = '0 2 * * *'\nmin_size = 12\ntriggers.age.max_seconds = 60\n") == same
    assert digest("[training]\ngradient_checkpointing = 'auto'\nstall_seconds = 60\n") == same
    assert digest("[models]\nthreads = 2\ndeployed = 'elsewhere'\n") == same
    assert digest("[rounds]\nplanner.kind = 'oldest_first'\nsources.replay = true\n") == same
    sources = ("replay.ratio = 0.5", "replay = false", "general.ratio = 2")
    assert len({same, *(digest(f"[rounds]\nsources.{text}\n") for text in sources)}) == 4
    assert digest("[training]\nmethods = []\nbatcher.kind = 'bucketed'\n") == same
    methods = ('kind = "ema"', 'kind = "ema"\ndecay = 0.5', 'kind = "l2_to_incumbent"')
    assert len({same, *(digest(f"[[training.methods]]\n{text}\n") for text in methods)}) == 4
    assert digest("[evaluation.criteria]\ngain = true\nfaults = {}\n") == same
    judged = ("criteria.gain.min_points = 2", "criteria.faults = false", "metric.kind = 'exact_match'", "baseline = 1")
    assert len({same, *(digest(f"[evaluation]\n{key}\n") for key in judged)}) == 5
    assert len({same, digest("[training]\nrank = 4\n"), digest("[rounds]\nseed = 1\n")}) == 3


def test_every_key_is_documented() -> None:
    for name, section in Config.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})
        assert fields, name
        assert [key for key, field in fields.items() if not field.description] == []
        assert section.annotation is not None
        assert section.annotation.__doc__


@pytest.mark.parametrize("alias", ["ccit", "ward-7", "a.b_c", "7"])
def test_plain_names_are_aliases(tmp_path: Path, alias: str) -> None:
    assert load_config(written(tmp_path, f"[models]\nalias = '{alias}'\n")).models.alias == alias


def test_every_profile_in_deploy_is_a_configuration() -> None:
    found = sorted((Path(__file__).parents[3] / "deploy").glob("*.toml"))
    assert found
    for profile in found:
        load_config(profile)


def test_what_is_switched_off_stays_off_when_it_is_read_back(tmp_path: Path) -> None:
    """The training process gets the configuration by way of a pipe."""
    config = load_config(written(tmp_path, "[selection.checks]\nifd = false\n[rounds.triggers]\nage = true\n"))
    assert "ifd" not in config.selection.checks
    assert Config.model_validate(config.model_dump(mode="json")) == config
    assert Config.model_validate_json(config.model_dump_json()) == config
