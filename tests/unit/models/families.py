"""Chat templates as the families of models write them, with what each gives for the same conversations, by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from ccit.records import Sample, Turn
from ccit.testing import CHATML

SINGLE = Sample("s", "r", "ward", "en", "Why?", "Because it hurts.")
MULTI = Sample("s", "r", "ward", "en", "Why?", "Because it hurts.", (Turn("Hello.", "Good day."),))


@dataclass(frozen=True)
class Family:
    """A template with its control tokens, and its expected renderings.

    `single`, `multi` and `system` are the prompts of `SINGLE`, `MULTI` and of `SINGLE` with the system turn "Be brief."
    """

    name: str
    template: str
    special: tuple[str, ...]
    single: str
    multi: str
    system: str
    anchor: str
    end: str
    bos: str | None = None
    eos: str = "<|endoftext|>"
    pad: str = "<|endoftext|>"
    lead: str = ""  # white space that the template puts before an answer
    before_end: str = ""  # and after it
    strips: frozenset[str] = field(default=frozenset())  # tokens that swallow the white space on their right

    def tokenizer(self, kind: str) -> Any:
        """A tokenizer of this family: `bytes` (byte-level BPE), `first` or `always` (SentencePiece's leading space)."""
        return {"bytes": byte_level, "first": metaspace, "always": metaspace}[kind](self, kind)


CORPUS = ["Why? Because it hurts. Hello. Good day. user assistant system model Be brief."] * 4


def byte_level(family: Family, _kind: str) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return _wrapped(family, tokenizer)


def metaspace(family: Family, kind: str) -> Any:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=kind)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=kind)])
    letters = sorted({chr(c) for c in range(0x20, 0x7F)} | {"\n", "\u2581"})
    trainer = trainers.BpeTrainer(vocab_size=160, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return _wrapped(family, tokenizer)


def _wrapped(family: Family, tokenizer: Tokenizer) -> Any:
    tokens = dict.fromkeys([*family.special, *filter(None, [family.bos, family.eos, family.pad])])
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False, rstrip=t in family.strips) for t in tokens]
    )
    make: Any = PreTrainedTokenizerFast  # its constructor is not annotated
    return make(
        tokenizer_object=tokenizer,
        bos_token=family.bos,
        eos_token=family.eos,
        pad_token=family.pad,
        chat_template=family.template,
        clean_up_tokenization_spaces=False,
    )


_IM = ("<|im_start|>", "<|im_end|>")
_TURN = "<|im_start|>{}\n{}<|im_end|>\n"
_OPEN = "<|im_start|>assistant\n"
_CHATML_SINGLE = _TURN.format("user", "Why?") + _OPEN
_CHATML_MULTI = _TURN.format("user", "Hello.") + _TURN.format("assistant", "Good day.") + _CHATML_SINGLE
_DEFAULT = _TURN.format("system", "You are helpful.")

_SMOL = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
    "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
_LLAMA3 = (
    "{{- bos_token }}{%- if not date_string is defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}"
    "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content']|trim %}"
    "{%- set messages = messages[1:] %}{%- else %}{%- set system_message = '' %}{%- endif %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + date_string + '\n\n' }}"
    "{{- system_message }}{{- '<|eot_id|>' }}{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim }}"
    "{{- '<|eot_id|>' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if message['role'] == 'assistant' %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
_PHI3 = (
    "{% for message in messages %}{{'<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
_MISTRAL = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + eos_token}}{% endif %}{% endfor %}"
)
_STRIPS_SYSTEM = CHATML.replace("%}<|im_start|>", "%}{% if message['role'] != 'system' %}<|im_start|>", 1).replace(
    "<|im_end|>\n{% endfor", "<|im_end|>\n{% endif %}{% endfor", 1
)
_WORDS = (
    "{% for m in messages %}{{ 'User: ' if m.role != 'assistant' else 'Assistant: ' }}{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
_L3 = "<|start_header_id|>{}<|end_header_id|>\n\n{}"
_L3_TOP = "<|begin_of_text|>" + _L3.format("system", "Today Date: 26 Jul 2024\n\n")
_L3_OPEN = _L3.format("assistant", "")
_GEMMA_OPEN = "<start_of_turn>model\n"
_PHI3_SINGLE = "<|user|>\nWhy?<|end|>\n<|assistant|>\n"

FAMILIES = (
    Family(
        "chatml, no BOS",
        CHATML,
        _IM,
        single=_CHATML_SINGLE,
        multi=_CHATML_MULTI,
        system=_TURN.format("system", "Be brief.") + _CHATML_SINGLE,
        anchor=_OPEN,
        end="<|im_end|>",
    ),
    Family(
        "chatml with a default system prompt, BOS the opener, padding the end of text",
        _SMOL,
        _IM,
        single=_DEFAULT + _CHATML_SINGLE,
        multi=_DEFAULT + _CHATML_MULTI,
        system=_TURN.format("system", "Be brief.") + _CHATML_SINGLE,
        anchor=_OPEN,
        end="<|im_end|>",
        bos="<|im_start|>",
        eos="<|im_end|>",
        pad="<|im_end|>",
    ),
    Family(
        "chatml after a BOS that is also the opener",
        "{{ bos_token }}" + CHATML,
        _IM,
        single="<|im_start|>" + _CHATML_SINGLE,
        multi="<|im_start|>" + _CHATML_MULTI,
        system="<|im_start|>" + _TURN.format("system", "Be brief.") + _CHATML_SINGLE,
        anchor="<|im_start|>" + _OPEN,
        end="<|im_end|>",
        bos="<|im_start|>",
    ),
    Family(
        "chatml after a BOS of its own",
        "{{ bos_token }}" + CHATML,
        _IM,
        single="<s>" + _CHATML_SINGLE,
        multi="<s>" + _CHATML_MULTI,
        system="<s>" + _TURN.format("system", "Be brief.") + _CHATML_SINGLE,
        anchor="<s>" + _OPEN,
        end="<|im_end|>",
        bos="<s>",
        pad="<|im_end|>",
    ),
    Family(
        "chatml with a BOS that the template does not write",
        CHATML,
        _IM,
        single=_CHATML_SINGLE,
        multi=_CHATML_MULTI,
        system=_TURN.format("system", "Be brief.") + _CHATML_SINGLE,
        anchor=_OPEN,
        end="<|im_end|>",
        bos="<s>",
    ),
    Family(
        "chatml that strips a system turn",
        _STRIPS_SYSTEM,
        _IM,
        single=_CHATML_SINGLE,
        multi=_CHATML_MULTI,
        system=_CHATML_SINGLE,
        anchor=_OPEN,
        end="<|im_end|>",
    ),
    Family(
        "Llama 2",
        _LLAMA2,
        (),
        single="<s>[INST] Why? [/INST]",
        multi="<s>[INST] Hello. [/INST] Good day. </s><s>[INST] Why? [/INST]",
        system="<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhy? [/INST]",
        anchor="<s>",
        end="</s>",
        bos="<s>",
        eos="</s>",
        pad="</s>",
        lead=" ",
        before_end=" ",
    ),
    Family(
        "Llama 3, with a date",
        _LLAMA3,
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        single=_L3_TOP + "<|eot_id|>" + _L3.format("user", "Why?<|eot_id|>") + _L3_OPEN,
        multi=_L3_TOP
        + "<|eot_id|>"
        + _L3.format("user", "Hello.<|eot_id|>")
        + _L3.format("assistant", "Good day.<|eot_id|>")
        + _L3.format("user", "Why?<|eot_id|>")
        + _L3_OPEN,
        system=_L3_TOP + "Be brief.<|eot_id|>" + _L3.format("user", "Why?<|eot_id|>") + _L3_OPEN,
        anchor="<|begin_of_text|>" + _L3_OPEN,
        end="<|eot_id|>",
        bos="<|begin_of_text|>",
        eos="<|end_of_text|>",
        pad="<|end_of_text|>",
    ),
    Family(
        "Gemma, which forbids a system turn",
        _GEMMA,
        ("<start_of_turn>", "<end_of_turn>"),
        single="<bos><start_of_turn>user\nWhy?<end_of_turn>\n" + _GEMMA_OPEN,
        multi="<bos><start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\nGood day.<end_of_turn>\n"
        "<start_of_turn>user\nWhy?<end_of_turn>\n" + _GEMMA_OPEN,
        system="<bos><start_of_turn>user\nBe brief.\n\nWhy?<end_of_turn>\n" + _GEMMA_OPEN,
        anchor="<bos>" + _GEMMA_OPEN,
        end="<end_of_turn>",
        bos="<bos>",
        eos="<eos>",
        pad="<pad>",
    ),
    Family(
        "Phi-3, whose tokens swallow white space",
        _PHI3,
        ("<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
        single=_PHI3_SINGLE,
        multi="<|user|>\nHello.<|end|>\n<|assistant|>\nGood day.<|end|>\n" + _PHI3_SINGLE,
        system="<|system|>\nBe brief.<|end|>\n" + _PHI3_SINGLE,
        anchor="<|assistant|>\n",
        end="<|end|>",
        bos="<s>",
        strips=frozenset({"<|user|>", "<|assistant|>", "<|system|>", "<|end|>"}),
    ),
    Family(
        "Mistral, which forbids a system turn",
        _MISTRAL,
        (),
        single="<s>[INST] Why? [/INST]",
        multi="<s>[INST] Hello. [/INST] Good day.</s>[INST] Why? [/INST]",
        system="<s>[INST] Be brief.\n\nWhy? [/INST]",
        anchor="<s>",
        end="</s>",
        bos="<s>",
        eos="</s>",
        pad="</s>",
        lead=" ",
    ),
    Family(
        "words alone",
        _WORDS,
        (),
        single="User: Why?\nAssistant:",
        multi="User: Hello.\nAssistant: Good day.\nUser: Why?\nAssistant:",
        system="User: Be brief.\nUser: Why?\nAssistant:",
        anchor="Assistant:",
        end="<|endoftext|>",
        lead=" ",
    ),
)
