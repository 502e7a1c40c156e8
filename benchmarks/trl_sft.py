"""TRL's SFTTrainer on rows of tokens, for so many seconds; run by an interpreter that has trl, without ccit.

    PYTHON benchmarks/trl_sft.py ROWS.json MODEL SECONDS THREADS PACKED(0|1) DTYPE AUTOCAST(0|1)

Prints `{"tokens": ..., "cpu_s": ..., "wall_s": ...}`: real tokens of the steps after the first, and what they took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """From the end of the first step until `seconds` of CPU time have passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began: tuple[float, float, int] | None = None
        self.took = (0.0, 0.0, 0)
        self.seen = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at the clock."""
        now = (time.process_time(), time.monotonic(), self.seen)
        if self.began is None:
            self.began = now
            return
        self.took = (now[0] - self.began[0], now[1] - self.began[1], now[2] - self.began[2])
        control.should_training_stop = self.took[0] >= self.seconds


def main() -> None:
    rows_path, model_path, seconds, threads, packed, dtype, autocast = sys.argv[1:]
    torch.set_num_threads(int(threads))
    rows = json.loads(Path(rows_path).read_text("utf-8"))
    clock = Clock(float(seconds))
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=dtype)
    count = model.forward

    def counted(*given: Any, **inputs: Any) -> Any:
        mask = inputs.get("attention_mask")
        clock.seen += int(mask.sum()) if mask is not None and mask.dim() == 2 else inputs["input_ids"].numel()
        return count(*given, **inputs)

    config = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=autocast == "1",
        # Packed rows are one sequence of `max_length` here, and without a varlen kernel their attention is all of it
        # squared: four at once took more than 8 GB.
        per_device_train_batch_size=1 if packed == "1" else 4,
        gradient_accumulation_steps=2,
        num_train_epochs=50,
        learning_rate=2e-4,
        max_length=1024,
        packing=packed == "1",
        completion_only_loss=True,
        gradient_checkpointing=False,
        loss_type="chunked_nll",
        train_sampling_strategy="random" if packed == "1" else "group_by_length",
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(model_path),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[clock],
    )
    base = trainer.model.base_model.model
    count = base.forward
    base.forward = counted
    trainer.train()
    cpu_s, wall_s, tokens = clock.took
    print(json.dumps({"tokens": tokens, "cpu_s": cpu_s, "wall_s": wall_s}))


if __name__ == "__main__":
    main()
