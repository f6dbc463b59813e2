"""Draws the demonstration's pictures and their questions: python3 demo/make-pictures.py (needs Pillow).

Fresh samples with a fixed seed, never seen in training, taken as they come.
"""
import json
import random
from pathlib import Path

import tasks

SEED = 2026
PICTURES = [  # task, size (one of those it was trained on), file format
    (tasks.shape, (224, 112), "jpg"), (tasks.shape, (112, 112), "png"), (tasks.shape, (336, 224), "png"),
    (tasks.count, (224, 224), "png"), (tasks.count, (160, 120), "jpg"), (tasks.count, (90, 140), "png"),
    (tasks.corner, (224, 224), "png"), (tasks.corner, (112, 224), "jpg"),
    (tasks.number, (160, 120), "png"), (tasks.number, (224, 112), "jpg"),
]

folder = Path(__file__).parent
(folder / "pictures").mkdir(exist_ok=True)
rng, entries = random.Random(SEED), []
for task, size, extension in PICTURES:
    images, questions = task(size, rng)
    question, answer = questions[0]
    number = 1 + sum(entry["task"] == task.__name__ for entry in entries)
    name = f"pictures/{task.__name__}-{number}.{extension}"
    images[0].save(folder / name, **({"quality": 92} if extension == "jpg" else {}))
    entries.append({"task": task.__name__, "picture": name, "question": question, "answer": answer})
(folder / "questions.json").write_text(json.dumps(entries, indent=2) + "\n")
