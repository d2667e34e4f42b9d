"""A tokenizer with one token per character: every text has exactly one sequence of tokens."""

from typing import TYPE_CHECKING

from backends.rft.families import FAMILIES, SYMBOLS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PAD, EOS, UNKNOWN = "<pad>", "<eos>", "<unk>"


def make_tokenizer() -> "PreTrainedTokenizerBase":
    """The tokenizer of the embedded model, an ordinary fast tokenizer of `transformers`.

    Example:
        >>> tokenizer = make_tokenizer()
        >>> tokenizer("A37+48=")["input_ids"]
        [24, 5, 9, 12, 6, 10, 15]
        >>> tokenizer.decode([24, 5, 9, 1])
        'A37<eos>'
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [PAD, EOS, *SYMBOLS[:10], *"+-*=,:%", *SYMBOLS[10:], *FAMILIES, UNKNOWN]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def is_character_level(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether every token is a special one or a single character."""
    special = set(tokenizer.all_special_tokens)
    return all(len(word) == 1 for word in tokenizer.get_vocab() if word not in special)
