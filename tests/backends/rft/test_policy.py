from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from backends.rft.characters import make_tokenizer
from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.tasks import Task, TaskSet
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    import torch
    import transformers
    from safetensors import safe_open

    from backends.rft.backend import RFTBackend
    from backends.rft.policy import Policy, load_policy, torch_device

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}{{ '=' * add_generation_prompt }}"


def folder(path: Path, tied: bool = True, eos: bool = True, vocabulary: int | None = None) -> Path:
    """A random model in the folder, with the tokenizer of characters."""
    tokenizer = make_tokenizer()
    stop = tokenizer.eos_token_id if eos else None
    if not eos:
        tokenizer.eos_token = None
    config = transformers.Qwen2Config(
        vocab_size=vocabulary or len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=24,
        tie_word_embeddings=tied,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=stop,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    model = transformers.Qwen2ForCausalLM(config)
    Policy(path, model, tokenizer, (1,), 24).save(path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return folder(tmp_path_factory.mktemp("models") / "made")


@pytest.fixture(scope="module")
def policy(made) -> Policy:
    return load_policy(made, "cpu")


def weights(policy: Policy) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in policy.weights()}


def test_a_folder_is_loaded_in_float32_for_inference(policy):
    assert {tensor.dtype for tensor in policy.model.parameters()} == {torch.float32}
    assert not policy.model.training
    assert policy.stop_ids == (policy.tokenizer.eos_token_id,)
    assert policy.max_length == 24
    assert policy.device.type == "cpu"


@pytest.mark.parametrize("tied", [True, False])
def test_weights_survive_saving_and_loading_bit_for_bit(tmp_path, tied):
    first = load_policy(folder(tmp_path / "a", tied), "cpu")
    first.save(tmp_path / "b")
    first.save(tmp_path / "b")
    second = load_policy(tmp_path / "b", "cpu")
    assert weights(first).keys() == weights(second).keys()
    for name, values in weights(first).items():
        np.testing.assert_array_equal(values, weights(second)[name])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert second.encode(Task("k", "A1+2=", "3")).tolist() == [24, 3, 12, 4, 15]


@pytest.mark.parametrize("tied", [True, False])
def test_weights_have_the_names_of_the_state_dict_and_tied_ones_are_saved_once(tmp_path, tied):
    policy = load_policy(folder(tmp_path / "a", tied), "cpu")
    names = set(policy.model.state_dict())
    assert weights(policy).keys() == names
    assert "lm_head.weight" in names
    policy.save(tmp_path / "b")
    with safe_open(tmp_path / "b" / "model.safetensors", "pt") as file:
        assert set(file.keys()) == names - ({"lm_head.weight"} if tied else set())


@pytest.mark.integration
def test_adapters_are_merged_under_the_names_of_the_model(made, policy, tmp_path):
    pytest.importorskip("peft")
    adapted = load_policy(made, "cpu", lora_rank=2)
    assert weights(adapted).keys() == weights(policy).keys()
    for name, values in weights(adapted).items():
        np.testing.assert_array_equal(values, weights(policy)[name])
    with torch.no_grad():
        for name, parameter in adapted.model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.1)
    adapted.save(tmp_path / "merged")
    saved = load_policy(tmp_path / "merged", "cpu")
    for name, values in weights(adapted).items():
        np.testing.assert_array_equal(weights(saved)[name], values)
    models.precise(adapted.model)
    models.precise(saved.model).load_state_dict(dict(adapted.weights()))
    ids = torch.tensor([[24, 3, 12, 4, 15]])
    with torch.no_grad():
        wanted = adapted.model(ids).logits
        torch.testing.assert_close(saved.model(ids).logits, wanted, rtol=1e-10, atol=1e-12)
        assert (wanted - policy.model(ids).logits).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_without_a_model_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"is not a model: .* make a small one with"):
        load_policy(tmp_path / name, "cpu")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "{"),
        ("config.json", "{}"),
        ("model.safetensors", "x"),
        ("tokenizer.json", ""),
    ],
)
def test_a_damaged_folder_is_refused(made, tmp_path, file, content):
    shutil.copytree(made, tmp_path / "copy")
    (tmp_path / "copy" / file).write_text(content)
    with pytest.raises(ValueError, match=r"copy cannot be loaded as a causal language model"):
        load_policy(tmp_path / "copy", "cpu")


def test_a_tokenizer_without_an_end_is_refused(tmp_path):
    path = folder(tmp_path / "a", eos=False)
    with pytest.raises(ValueError, match=r"no end-of-sequence token.* set `eos_token`"):
        load_policy(path, "cpu")


def test_a_stop_of_the_generation_config_counts_too(tmp_path):
    path = folder(tmp_path / "a")
    file = path / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token_id": [1, 0]}))
    assert load_policy(path, "cpu").stop_ids == (0, 1)


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    path = folder(tmp_path / "a", vocabulary=20)
    with pytest.raises(ValueError, match=r"has 34 tokens, the model 20: they do not belong"):
        load_policy(path, "cpu")


def test_a_chat_needs_a_template(policy):
    task = Task("k", (("user", "A1+2"),), "3")
    with pytest.raises(ValueError, match=r"no chat template, and the prompts are chats: use an"):
        policy.encode(task)


def test_a_chat_goes_through_the_template(policy, tmp_path):
    policy.tokenizer.chat_template = TEMPLATE
    try:
        policy.save(tmp_path / "chat")
    finally:
        policy.tokenizer.chat_template = None
    chat = load_policy(tmp_path / "chat", "cpu")
    ids = chat.encode(Task("k", (("user", "A1"), ("user", "+2")), "3"))
    assert ids.tolist() == chat.encode(Task("k", "A1+2=", "3")).tolist()


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("what is 1+2?", r"characters without a token in the tokenizer of .*: use the tokenizer"),
        ("", r"task 'k' \(''\) has no tokens"),
    ],
)
def test_a_prompt_that_the_tokenizer_cannot_write_is_refused(policy, prompt, message):
    with pytest.raises(ValueError, match=message):
        policy.encode(Task("k", prompt, "3"))


@pytest.mark.parametrize(("prompt", "new"), [("A1+2=", 20), ("A" * 30, 1)])
def test_a_prompt_beyond_the_context_is_refused_before_any_work(policy, prompt, new):
    tasks = TaskSet((Task("long", prompt, "3"),), (Task("b", "A2=", "2"),))
    rollouts = RolloutConfig(engine="transformers", max_new_tokens=new)
    with pytest.raises(ValueError, match=r"task 'long' has \d+ tokens .* holds 24: lower"):
        RFTBackend(policy, tasks, TrainConfig(), rollouts, 0)


def test_decoding_undoes_encoding(policy):
    ids = policy.encode(Task("k", "T3:4ab=", "b4a"))
    assert policy.decode(np.append(ids, policy.stop_ids[0])) == "T3:4ab="


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"device is 'tpu'; it must be one of auto, cpu, cuda"):
        torch_device("tpu")


@pytest.mark.skipif("torch.cuda.is_available()", reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="finds no GPU: use --device cpu"):
        torch_device("cuda")
    assert torch_device("auto").type == "cpu"
