from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from backends.rft.characters import make_tokenizer
from backends.rft.config import RolloutConfig
from backends.rft.families import make_tasks
from tests.lazy import lazily

with lazily():
    import torch
    import transformers

    from backends.rft import sft
    from backends.rft.exact import ExactRates
    from backends.rft.policy import load_policy
    from backends.rft.sft import SFTConfig, is_made, make_model

pytestmark = pytest.mark.integration
CHECKPOINTS = ("weak", "start", "strong")


@cache
def tiny() -> SFTConfig:
    return SFTConfig(
        families="RM",
        pool_per_cell=40,
        heldout_per_cell=15,
        hidden=32,
        layers=1,
        steps=150,
        weak_step=20,
        start_step=80,
        batch=64,
        learning_rate=1e-2,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, list[float], set[str]]:
    """A folder, the losses on the way, and all prompts that were learned from."""
    folder = tmp_path_factory.mktemp("made")
    losses: list[float] = []
    seen: set[str] = set()
    tensors = sft._tensors

    def spied(tokenizer, questions):
        seen.update(prompt for prompt, _ in questions)
        return tensors(tokenizer, questions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backends.rft.sft._tensors", spied)
        make_model(folder, tiny(), lambda step, loss: losses.append(loss))
    return folder, losses, seen


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_recipe_gives_the_same_bytes(made, tmp_path):
    state = torch.get_rng_state()
    torch.manual_seed(123)
    make_model(tmp_path / "again", tiny())
    torch.set_rng_state(state)
    assert content(tmp_path / "again") == content(made[0])


def test_another_seed_gives_other_weights(made, tmp_path):
    make_model(tmp_path / "a", replace(tiny(), seed=1, steps=1, weak_step=1, start_step=1))
    make_model(tmp_path / "b", replace(tiny(), seed=0, steps=1, weak_step=1, start_step=1))
    one, other = (content(tmp_path / name)["strong/model.safetensors"] for name in "ab")
    assert one != other


def test_questions_of_pool_and_heldout_are_never_learned_from(made):
    tasks = [task for part in make_tasks("RM", 40, 15, 0) for task in part]
    assert not made[2] & {task.prompt for task in tasks}
    # 45 products of digits are left of 100, and what was learned from is nearly all of them
    products = {prompt for prompt in made[2] if prompt[0] == "M" and len(prompt) == 5}
    assert 40 <= len(products) <= 100 - 40 - 15


def test_the_loss_falls(made):
    losses = made[1]
    assert len(losses) == tiny().steps
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_later_checkpoints_give_right_answers_more_often(made):
    tasks = make_tasks("RM", 40, 15, 0)[1]
    rates = [
        ExactRates(load_policy(made[0] / name, "cpu"), tasks, RolloutConfig()).solve_rates().mean()
        for name in CHECKPOINTS
    ]
    assert rates[0] < rates[1] < rates[2]


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint_is_an_ordinary_folder(made, name):
    model = transformers.AutoModelForCausalLM.from_pretrained(made[0] / name)
    tokenizer = transformers.AutoTokenizer.from_pretrained(made[0] / name)
    ids = tokenizer("Rab12=", return_tensors="pt")["input_ids"]
    assert ids.shape == (1, 6)
    out = model.generate(
        ids, max_new_tokens=8, do_sample=False, attention_mask=torch.ones_like(ids)
    )
    assert out.shape[1] > 6
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id


@pytest.mark.parametrize("text", ["A37+48=", "T3:4abcde=", "what is 1+2?", "R 1\n2é="])
def test_the_tokenizer_of_a_checkpoint_is_the_one_it_was_trained_with(made, text):
    loaded = load_policy(made[0] / "weak", "cpu").tokenizer
    assert loaded(text)["input_ids"] == make_tokenizer()(text)["input_ids"]


def test_a_folder_is_made_when_its_recipe_is_there(made, tmp_path):
    assert is_made(made[0], tiny())
    assert not is_made(tmp_path, tiny())
    assert SFTConfig(**json.loads((made[0] / sft.RECIPE).read_text())) == tiny()


def test_a_folder_of_another_recipe_is_refused(made):
    with pytest.raises(ValueError, match=r"holds a model of another recipe .*: choose another"):
        is_made(made[0], replace(tiny(), steps=151))


def test_a_folder_that_was_interrupted_is_not_made(tmp_path):
    def stop(step: int, loss: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    config = replace(tiny(), steps=6, weak_step=2, start_step=4)
    with pytest.raises(KeyboardInterrupt):
        make_model(tmp_path, config, stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipe.begun.json", "weak"]
    assert not is_made(tmp_path, config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"families": ""}, "families are ''"),
        ({"families": "RZ"}, "must be distinct letters of ASMGORPUT"),
        ({"hidden": 20}, "hidden is 20; it must be a multiple of 32"),
        ({"layers": 0}, "layers is 0"),
        ({"weak_step": 90}, "must not fall"),
        ({"start_step": 151}, "must not fall"),
        ({"weak_step": 0}, "must not fall"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_recipes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(tiny(), **change)
