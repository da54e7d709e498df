"""Write down what the model says when it is built: what it will be held to wherever it runs.

refer.py FOLDER reads what train.py wrote, and writes model.json and reference.json. The build fails
when the model is not good enough.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

#: Decimals of a probability that must be the same everywhere.
DIGITS = 4
#: Where a value is closer than this to the middle between two answers, its last bit would decide
#: which one is given; processors differ in that bit, and rightly so.
EDGE = 5e-7
LEAST_ACCURACY = 0.95

folder = Path(sys.argv[1])
# As it will be served: with more threads sums are added up in another order.
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
pixels = json.loads((folder / "holdout.json").read_text())["pixels"]
labels = np.array(json.loads((folder / "labels.json").read_text()))


def predict(rows):
    return session.run(None, {"X": np.array(rows, np.float32)})


def is_clear(row):
    """Whether none of its values lies on the edge between two answers."""
    steps = row.astype(np.float64) * 10**DIGITS
    return np.abs(steps % 1 - 0.5).min() > EDGE * 10**DIGITS


_, probabilities = predict(pixels)
kept = [index for index, row in enumerate(probabilities) if is_clear(row)]
if len(kept) < 0.9 * len(pixels):
    sys.exit(f"only {len(kept)} of {len(pixels)} lie clear of an edge")

clear = [pixels[index] for index in kept]
found, probabilities = predict(clear)
accuracy = round(float((found == labels[kept]).mean()), DIGITS)
if accuracy < LEAST_ACCURACY:
    sys.exit(f"accuracy {accuracy}, wanted {LEAST_ACCURACY}")

(folder / "holdout.json").write_text(json.dumps({"pixels": clear}))
reference = {"labels": labels[kept].tolist(), "probabilities": probabilities.tolist()}
(folder / "reference.json").write_text(json.dumps(reference))
(folder / "labels.json").unlink()
about = {
    "sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
    "accuracy": accuracy,
    "cases": len(kept),
    "digits": DIGITS,
}
(folder / "model.json").write_text(json.dumps(about))
print(about)
