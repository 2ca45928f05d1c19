"""`minecli sample` by spec and by public name."""

import pyarrow.parquet as pq
import pytest


def test_public_task_by_name(cli, tmp_path):
    path = tmp_path / "s.parquet"
    ran = cli("sample", "spiral-multinormal-sparse-5-5-2-2.0", "-n", "20", "-o", path)
    assert ran.code == 0
    assert "20 rows of spiral-multinormal-sparse-5-5-2-2.0" in ran.stderr
    facts = {key.decode(): value.decode() for key, value in pq.read_schema(path).metadata.items()}
    assert facts.keys() == {"minecli.task", "minecli.n", "minecli.seed", "minecli.true_mi_nats"}
    assert facts["minecli.task"] == "spiral-multinormal-sparse-5-5-2-2.0"
    assert float(facts["minecli.true_mi_nats"]) == pytest.approx(1.0217, abs=5e-5)
    assert pq.read_table(path).num_columns == 10


def test_swiss_roll_has_two_columns_beside_one(cli):
    ran = cli("sample", "swissroll_x-normal_cdf-1v1-normal-0.75", "-n", "2")
    assert ran.stdout.startswith("x0,x1,z0\n")


def test_spec_and_options_say_the_same(cli):
    by_options = cli("sample", "gaussian", "--dim", "3", "--rho", "0.9", "-n", "5")
    assert cli("sample", "gaussian:dim=3,rho=0.9", "-n", "5").stdout == by_options.stdout
    assert cli("sample", "gaussian:dim=3", "--rho", "0.9", "-n", "5").stdout == by_options.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("spiral-multinormal-sparse-5-5-2-2",), "did you mean spiral-multinormal-sparse-5-5-2-2.0?"),
        (("1v1-normal-0.75", "--rho", "0.5"), "has no --rho: its name fixes everything"),
        (("gaussian:dim=2", "--dim", "2"), "dim is given twice"),
        (("gaussian:dim=two",), "dim is 'two'; it must be a whole number"),
    ],
)
def test_errors(cli, words, message):
    ran = cli("sample", *words, "-n", "2")
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr


def test_help_lists_families_and_says_where_the_public_names_are(cli, capsys):
    cli("sample", "--help")
    shown = capsys.readouterr().out
    assert "low-rank: " in shown
    assert "minecli tasks" in shown
    assert "half_cube" not in shown
